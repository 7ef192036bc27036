package dev.quire.engine;

import static dev.quire.engine.PromiseStory.answer;
import static dev.quire.engine.PromiseStory.join;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import dev.quire.cache.UncachedLayout;
import dev.quire.kernel.Kernels;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Sequence;
import java.util.List;

/// The same two beam searches among other requests, with whatever happens around them.
enum BeamScenario implements PromiseScenario {
    /// Beams share what they have in common, and copy what they write into; others go on from what they found.
    BEAMS(64, 0) {
        @Override
        public void play(PromiseStory story) {
            List<BeamGroup> searches = tell(story);
            story.run();
            assertEquals(0, story.engine().scheduler().preemptions());
            assertTrue(story.engine().pool().copies() > 0);
            for (BeamGroup search : searches) {
                for (Sequence answer : search.answers()) {
                    story.send(join(PromiseStory.prompt(answer), answer(answer), story.text(3)));
                }
            }
            story.run();
            assertTrue(story.engine().scheduler().prefixHits() > 3 * 16 + 2 * 32, "more than the prompts");
        }
    },

    /// A search gives way, in the middle of it, and is computed again.
    BEAMS_PREEMPTED(10, 0) {
        @Override
        public void play(PromiseStory story) {
            assertTrue(runCountingPreempted(story, tell(story)) > 0);
        }
    },

    /// Others are swapped, slowly; a search is not.
    BEAMS_BESIDE_SWAPS(10, TurnedEngine.SWAP_SLOTS) {
        @Override
        public int lag() {
            return 2;
        }

        @Override
        public void play(PromiseStory story) {
            tell(story);
            for (int tokens : new int[] {9, 16, 31}) {
                story.send(story.text(tokens), 40, "");
            }
            story.run();
            assertTrue(story.engine().scheduler().swaps() > 0);
        }
    },

    /// Every beam has a run of its own, and a copy of what it goes on from.
    BEAMS_IN_RUNS(24, 0) {
        @Override
        public CacheLayout layout() {
            return new ContiguousLayout(
                    new BlockPool(24, Kernels.PAGE_TOKENS), Policy.BEST_FIT, Reserve.REQUEST, 80, 0);
        }

        @Override
        public void play(PromiseStory story) {
            tell(story);
            story.run();
            assertTrue(story.engine().copies().copied() > 0);
        }
    },

    BEAMS_UNCACHED(24, 0) {
        @Override
        public CacheLayout layout() {
            return new UncachedLayout(new BlockPool(24, Kernels.PAGE_TOKENS));
        }

        @Override
        public void play(PromiseStory story) {
            tell(story);
        }
    };

    private final int blocks;
    private final int slots;

    BeamScenario(int blocks, int slots) {
        this.blocks = blocks;
        this.slots = slots;
    }

    @Override
    public CacheLayout layout() {
        return PromiseScenario.paged(blocks, true, slots);
    }

    @Override
    public int story() {
        return 301;
    }

    /// Sends others too: two go before the searches, one comes after them.
    private static List<BeamGroup> tell(PromiseStory story) {
        story.send(story.text(14), 34, "", 1, -1);
        List<BeamGroup> searches = List.of(story.search(story.text(21), 3, 14), story.search(story.text(32), 2, 10));
        story.send(story.text(30), 34, "", 1, -1);
        story.send(story.text(9), 20, "");
        return searches;
    }

    /// Runs to the end; returns the turns in which a search waited that had begun.
    private static int runCountingPreempted(PromiseStory story, List<BeamGroup> searches) {
        int counted = 0;
        while (story.turn()) {
            for (BeamGroup search : searches) {
                boolean begun = search.search().length() > 0;
                counted += begun && search.leader().state() == Sequence.State.WAITING ? 1 : 0;
            }
        }
        return counted;
    }
}
