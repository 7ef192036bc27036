package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.SwapSpace;
import dev.quire.kernel.Kernels;

/// What may happen around a sequence without changing its tokens or their logits. Each makes sure that it does
/// happen.
sealed interface PromiseScenario permits PagedScenario, LayoutScenario, SwapScenario, CompactionScenario, BeamScenario {
    /// The cache, all of it free.
    CacheLayout layout();

    /// Turns that a copy to or from the swap space takes; 0: it is there at once.
    default int lag() {
        return 0;
    }

    /// The number of its story: where two scenarios have the same, they tell the same texts with the same seeds.
    int story();

    /// Sends what the scenario is made of; what is not answered yet is run to its end afterwards.
    void play(PromiseStory story);

    /// Pages, where `blocks` blocks may be moved to `slots` others.
    static PagedLayout paged(int blocks, boolean sharing, int slots) {
        PrefixIndex index = sharing ? new PrefixIndex(blocks, Kernels.PAGE_TOKENS) : PrefixIndex.off();
        return new PagedLayout(new BlockPool(blocks, Kernels.PAGE_TOKENS, index), new SwapSpace(slots));
    }
}
