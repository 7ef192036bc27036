package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import dev.quire.cache.UncachedLayout;
import dev.quire.kernel.Kernels;

/// The same two stories without pages: in one run of blocks for each sequence, however it is found and whatever it
/// reserves, and with nothing kept from step to step. Each makes sure that it does happen.
enum LayoutScenario implements PromiseScenario {
    /// Runs that are too short and move when they must, forks that copy theirs, and some who find no room.
    FIRST_FIT(Policy.FIRST_FIT, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playMoved(story);
        }
    },

    BEST_FIT(Policy.BEST_FIT, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playMoved(story);
        }
    },

    BUDDY(Policy.BUDDY, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playMoved(story);
        }
    },

    /// Everybody reserves what the model allows: few at once, and nobody moves.
    RESERVED_FOR_THE_MODEL(Policy.FIRST_FIT, Reserve.MODEL) {
        @Override
        public void play(PromiseStory story) {
            playReserved(story);
            assertEquals(
                    BLOCKS * Kernels.PAGE_TOKENS / CONTEXT,
                    story.engine().stats().peaks().running());
        }
    },

    RESERVED_FOR_THE_REQUEST(Policy.BEST_FIT, Reserve.REQUEST) {
        @Override
        public void play(PromiseStory story) {
            playReserved(story);
        }
    },

    /// Between the steps nobody holds a block.
    UNCACHED {
        @Override
        public CacheLayout layout() {
            return new UncachedLayout(new BlockPool(BLOCKS, Kernels.PAGE_TOKENS));
        }

        @Override
        public void play(PromiseStory story) {
            tell(story);
            int empty = 0;
            while (story.turn()) {
                boolean runs = story.engine().scheduler().running() > 0;
                empty += runs && story.engine().pool().inUse() == 0 ? 1 : 0;
            }
            assertTrue(empty > 0 || !story.wholePrompts());
        }
    },

    CROWD_IN_FIRST_FIT(Policy.FIRST_FIT, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
        }
    },

    CROWD_IN_BEST_FIT(Policy.BEST_FIT, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
        }
    },

    CROWD_IN_BUDDY(Policy.BUDDY, Reserve.ESTIMATE) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
        }
    },

    CROWD_UNCACHED {
        @Override
        public CacheLayout layout() {
            return new UncachedLayout(new BlockPool(BLOCKS, Kernels.PAGE_TOKENS));
        }

        @Override
        public void play(PromiseStory story) {
            story.crowd(20);
        }
    };

    private static final int BLOCKS = 20;
    private static final int CONTEXT = 80;
    private static final int ESTIMATE = 4;
    private static final int TOLD = 101; // a story of their own

    private final Policy policy;
    private final Reserve reserve;

    LayoutScenario() {
        this(Policy.FIRST_FIT, Reserve.REQUEST);
    }

    LayoutScenario(Policy policy, Reserve reserve) {
        this.policy = policy;
        this.reserve = reserve;
    }

    @Override
    public CacheLayout layout() {
        return new ContiguousLayout(new BlockPool(BLOCKS, Kernels.PAGE_TOKENS), policy, reserve, CONTEXT, ESTIMATE);
    }

    @Override
    public int story() {
        return name().startsWith("CROWD") ? PagedScenario.CROWD.story() : TOLD;
    }

    /// Groups, and answers that are longer than anybody would estimate.
    private static void tell(PromiseStory story) {
        story.send(story.text(21), 3);
        story.send(story.text(14), 40, "");
        story.send(story.text(30), 36, "");
        story.send(story.text(33), 3);
        story.send(story.text(1), 50, "");
        story.send(story.text(16), 20, "");
        story.send(story.text(47), 30, "");
    }

    private static void playMoved(PromiseStory story) {
        tell(story);
        story.run();
        assertMoved(story);
    }

    private static void playCrowd(PromiseStory story) {
        story.crowd(20);
        assertMoved(story);
    }

    private static void assertMoved(PromiseStory story) {
        assertTrue(relocations(story) > 0);
        assertTrue(story.engine().copies().copied() > relocations(story)); // forks are copies as well
    }

    private static void playReserved(PromiseStory story) {
        tell(story);
        story.run();
        assertEquals(0, relocations(story));
        assertTrue(story.engine().copies().copied() > 0);
    }

    private static long relocations(PromiseStory story) {
        return ((ContiguousLayout) story.engine().layout()).relocations();
    }
}
