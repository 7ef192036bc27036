package dev.quire.engine;

import static dev.quire.engine.PromiseStory.join;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.CacheLayout;
import dev.quire.scheduler.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;

/// Sequences that leave for the swap space and come back, while others go on. Each makes sure that it does happen.
enum SwapScenario implements PromiseScenario {
    /// Whoever gives way goes on from what was kept.
    SWAPPED(10, false, TurnedEngine.SWAP_SLOTS, 0) {
        @Override
        public void play(PromiseStory story) {
            tell(story);
            assertTrue(runCounting(story, () -> story.engine().swapped() > 0) > 0);
            assertTrue(swaps(story) > 0);
            assertEquals(swaps(story), preemptions(story));
        }
    },

    /// The same on a device that copies while steps are computed.
    SWAPPED_SLOWLY(10, false, TurnedEngine.SWAP_SLOTS, 3) {
        @Override
        public void play(PromiseStory story) {
            tell(story);
            assertTrue(runCounting(story, () -> story.engine().pool().inTransit() > 0) > 0);
            assertTrue(swaps(story) > 0);
        }
    },

    /// Blocks that others hold too stay where they are.
    SWAPPED_BUT_FOR_WHAT_IS_SHARED(11, true, TurnedEngine.SWAP_SLOTS, 1) {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(35);
            List<Sequence> sent = new ArrayList<>(story.send(base, 40, "", 3, 0));
            sent.add(story.send(join(base, story.text(20)), 30, ""));
            sent.add(story.send(story.text(20), 30, ""));
            Predicate<Sequence> inPart =
                    sequence -> sequence.table().swapped() && sequence.table().block(0) >= 0;
            assertTrue(runCounting(story, () -> sent.stream().anyMatch(inPart)) > 0);
            assertTrue(story.engine().scheduler().prefixHits() > 0);
        }
    },

    /// Some have their blocks kept, others compute theirs again.
    SWAPPED_OR_COMPUTED_AGAIN(10, false, 4, 0) {
        @Override
        public void play(PromiseStory story) {
            tell(story);
            story.run();
            assertTrue(swaps(story) > 0);
            assertTrue(preemptions(story) > swaps(story));
        }
    },

    /// Others get the blocks of who is cancelled on the way out or back, but not before the copy is done.
    CANCELLED_ON_THE_WAY(10, false, TurnedEngine.SWAP_SLOTS, 3) {
        @Override
        public void play(PromiseStory story) {
            List<Sequence> sent = tell(story);
            story.engine()
                    .cancel(find(
                            story,
                            sent,
                            each -> each.table().swapped() && !each.table().out()));
            story.engine().cancel(find(story, sent, each -> each.state() == Sequence.State.LOADING));
            for (int i = 0; i < 4; i++) {
                story.send(story.text(30), 20, "");
            }
        }
    },

    /// More blocks than a step brings back, while another sequence runs.
    SWAPPED_IN_SEVERAL_CALLS(41, false, TurnedEngine.SWAP_SLOTS, 0) {
        @Override
        public void play(PromiseStory story) {
            story.send(story.text(16), 20, "");
            story.send(story.text(30), 70, "");
            Sequence longest = story.send(story.text(LONGEST), 60, "");
            int besides = runCounting(story, () -> longest.state() == Sequence.State.LOADING);
            assertTrue(swaps(story) > 0);
            if (story.wholePrompts()) { // else it may leave before it has so many
                assertTrue(besides > 0);
                assertEquals(2 * swaps(story), story.engine().copies().callsOut());
                assertEquals(2 * swaps(story), story.engine().copies().callsIn());
            }
        }
    },

    CROWD_SWAPPED(16, true, 12, 2) {
        @Override
        public void play(PromiseStory story) {
            story.crowd(60);
            assertTrue(swaps(story) > 0);
        }
    };

    private static final int LONGEST = 559;

    private final int blocks;
    private final boolean sharing;
    private final int slots;
    private final int lag;

    SwapScenario(int blocks, boolean sharing, int slots, int lag) {
        this.blocks = blocks;
        this.sharing = sharing;
        this.slots = slots;
        this.lag = lag;
    }

    @Override
    public CacheLayout layout() {
        return PromiseScenario.paged(blocks, sharing, slots);
    }

    @Override
    public int lag() {
        return lag;
    }

    @Override
    public int story() {
        return this == CROWD_SWAPPED ? PagedScenario.CROWD.story() : 201 + ordinal();
    }

    /// Too many for the pool.
    private static List<Sequence> tell(PromiseStory story) {
        List<Sequence> sent = new ArrayList<>();
        for (int tokens : new int[] {30, 9, 40, 16, 31}) {
            sent.add(story.send(story.text(tokens), 40, ""));
        }
        return sent;
    }

    /// Runs to the end; returns how many steps computed something while `condition` held.
    private static int runCounting(PromiseStory story, BooleanSupplier condition) {
        int counted = 0;
        long before = 0;
        while (story.turn()) {
            long steps = story.engine().stats().steps();
            counted += steps > before && condition.getAsBoolean() ? 1 : 0;
            before = steps;
        }
        return counted;
    }

    /// Turns until there is one that `wanted` is true of.
    private static Sequence find(PromiseStory story, List<Sequence> sent, Predicate<Sequence> wanted) {
        while (sent.stream().noneMatch(wanted)) {
            assertTrue(story.turn(), "it must come to that");
        }
        return sent.stream().filter(wanted).findFirst().orElseThrow();
    }

    private static long swaps(PromiseStory story) {
        return story.engine().scheduler().swaps();
    }

    private static long preemptions(PromiseStory story) {
        return story.engine().scheduler().preemptions();
    }
}
