package dev.quire.engine;

import static dev.quire.engine.PromiseStory.join;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.ContiguousLayout.Reserve;
import dev.quire.cache.RunAllocator.Policy;
import dev.quire.kernel.Kernels;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;

/// Blocks that move under those who use them. Each makes sure that they do.
enum CompactionScenario implements PromiseScenario {
    /// Between two steps, a few at a time: of one holder, of several, and found by their prefix afterwards.
    PAGES_MOVED(64, 0, 0) {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(40);
            int[] other = story.text(35);
            story.send(story.text(70), 3, "");
            story.send(base, 40, "");
            story.send(story.text(50), 4, "");
            story.send(other, 30, "", 3, 0);
            story.runUntil(story.send(story.text(33), 30, ""), 8);
            story.engine().compact(2);
            for (int i = 0; i < 6; i++) {
                story.turn();
            }
            assertMoved(story);
            long hits = story.engine().scheduler().prefixHits();
            story.send(join(base, story.text(5)));
            story.send(join(other, story.text(5)));
            story.run();
            assertEquals(32 + 32, story.engine().scheduler().prefixHits() - hits);
        }
    },

    /// While some are in the swap space, and others on the way.
    PAGES_MOVED_AMID_SWAPS(16, TurnedEngine.SWAP_SLOTS, 2) {
        @Override
        public void play(PromiseStory story) {
            story.beforeEachTurn(() -> story.engine().compact(2));
            for (int tokens : new int[] {30, 9, 40, 16, 31, 12}) {
                story.send(story.text(tokens), 50, "");
            }
            story.run();
            assertTrue(story.engine().scheduler().swaps() > 0);
            assertMoved(story);
        }
    },

    BEAMS_MOVED(64, 0, 0) {
        @Override
        public void play(PromiseStory story) {
            story.beforeEachTurn(() -> story.engine().compact(2));
            story.send(story.text(50), 3, "");
            story.search(story.text(21), 3, 14);
            story.send(story.text(33), 4, "");
            story.search(story.text(40), 2, 14);
            story.run();
            assertMoved(story);
        }
    },

    CROWD_IN_MOVED_PAGES(24, 8, 1) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
            assertTrue(story.engine().scheduler().prefixHits() > 0);
        }
    },

    /// One who needs a long run, which a few short ones are in the way of.
    RUNS_MOVED(Policy.FIRST_FIT, Reserve.REQUEST, 64) {
        @Override
        public void play(PromiseStory story) {
            playRuns(story);
        }
    },

    RUNS_MOVED_ONE_BY_ONE(Policy.BEST_FIT, Reserve.REQUEST, 1) {
        @Override
        public void play(PromiseStory story) {
            playRuns(story);
        }
    },

    CROWD_IN_MOVED_RUNS(Policy.FIRST_FIT, Reserve.ESTIMATE, 2) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
        }
    },

    CROWD_IN_MOVED_BUDDIES(Policy.BUDDY, Reserve.ESTIMATE, 4) {
        @Override
        public void play(PromiseStory story) {
            playCrowd(story);
        }
    };

    private static final int BLOCKS = 20;
    private static final int CONTEXT = 160;
    private static final int ESTIMATE = 4;

    private final Supplier<CacheLayout> maker;
    private final int lag;

    CompactionScenario(int blocks, int slots, int lag) {
        maker = () -> PromiseScenario.paged(blocks, true, slots);
        this.lag = lag;
    }

    CompactionScenario(Policy policy, Reserve reserve, int copies) {
        maker = () -> new ContiguousLayout(
                new BlockPool(BLOCKS, Kernels.PAGE_TOKENS),
                policy,
                reserve,
                CONTEXT,
                ESTIMATE,
                new CompactionLimits(0, copies));
        lag = 0;
    }

    @Override
    public CacheLayout layout() {
        return maker.get();
    }

    @Override
    public int lag() {
        return lag;
    }

    @Override
    public int story() {
        return name().startsWith("CROWD") ? PagedScenario.CROWD.story() : 401 + ordinal();
    }

    /// A compaction is asked for at every eighth step.
    private static void playCrowd(PromiseStory story) {
        var turns = new AtomicInteger();
        story.beforeEachTurn(() -> {
            if (turns.incrementAndGet() % 8 == 0) {
                story.engine().compact(3);
            }
        });
        story.crowd(30);
        assertMoved(story);
    }

    private static void playRuns(PromiseStory story) {
        story.send(story.text(20), 12, ""); // 2 blocks, soon free
        story.send(story.text(30), 50, ""); // 5
        story.send(story.text(33), 14, ""); // 3, soon free
        story.send(story.text(10), 60, ""); // 5
        story.send(story.text(40), 8, ""); // 3, soon free
        story.runUntil(story.send(story.text(3), 26, ""), 16); // 2
        story.send(story.text(100), 20, ""); // 8, of which 10 are free
        story.run();
        assertMoved(story);
    }

    private static void assertMoved(PromiseStory story) {
        assertTrue(story.engine().pool().moves().blocks() > 0);
    }
}
