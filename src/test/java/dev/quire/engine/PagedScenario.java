package dev.quire.engine;

import static dev.quire.engine.PromiseStory.ANSWER;
import static dev.quire.engine.PromiseStory.LONG;
import static dev.quire.engine.PromiseStory.answer;
import static dev.quire.engine.PromiseStory.first;
import static dev.quire.engine.PromiseStory.join;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.cache.CacheLayout;
import dev.quire.scheduler.Sequence;
import java.util.List;

/// What may happen in the paged layout: batches, hits, forks, preemption. Each makes sure that it does happen: where
/// a step holds whole prompts, in the numbers that it must.
enum PagedScenario implements PromiseScenario {
    /// Prompts around the size of a block, all at once.
    BATCHED {
        @Override
        public void play(PromiseStory story) {
            for (int tokens : new int[] {1, 15, 16, 17, 32, 40}) {
                story.send(story.text(tokens));
            }
            story.run();
            assertEquals(0, story.engine().scheduler().prefixHits());
        }
    },

    /// The same prompt for several who must not share it.
    SALTED {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(32);
            story.send(base, ANSWER, "one");
            story.send(base, ANSWER, "two");
            story.run();
            story.send(base, ANSWER, "three");
            story.run();
            assertEquals(0, story.engine().scheduler().prefixHits());
        }
    },

    /// Blocks with the tokens of an earlier prompt's, but after others: not the same keys and values.
    SAME_BLOCKS_AFTER_OTHERS {
        @Override
        public void play(PromiseStory story) {
            int[] one = story.text(16);
            int[] two = story.text(16);
            int[] three = story.text(16);
            story.send(join(one, two, three));
            story.run();
            story.send(join(two, one, three));
            story.send(join(story.text(16), two, three));
            story.send(join(one, three, two));
            story.send(three);
            story.run();
            assertEquals(16, story.engine().scheduler().prefixHits());
        }
    },

    /// Some blocks of an earlier prompt, and then other tokens.
    HIT_OF_SOME_BLOCKS {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(40);
            story.send(base);
            story.run();
            story.send(join(first(20, base), story.text(9)));
            story.send(join(base, story.text(30)));
            story.send(first(33, base));
            story.run();
            assertEquals(16 + 32 + 32, story.engine().scheduler().prefixHits());
        }
    },

    /// All of an earlier prompt, to the end of a block, and then other tokens.
    HIT_TO_A_BLOCKS_END {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(48);
            story.send(base);
            story.run();
            story.send(join(base, story.text(1)));
            story.send(join(base, story.text(16)));
            story.run();
            assertEquals(48 + 48, story.engine().scheduler().prefixHits());
        }
    },

    /// The whole prompt, so that its last token is computed again and not written; beside a stranger, and while the
    /// one who wrote it goes on.
    HIT_OF_ALL_BLOCKS {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(48);
            story.send(base);
            story.run();
            long before = story.engine().stats().promptTokens();
            story.send(base);
            story.send(story.text(20));
            story.send(base);
            story.send(first(16, base));
            story.run();
            assertEquals(47 + 47 + 15, story.engine().scheduler().prefixHits());
            assertEquals(1 + 20 + 1 + 1, story.engine().stats().promptTokens() - before);
            int[] other = story.text(32);
            story.runUntil(story.send(other), 3);
            story.send(other);
            story.run();
            assertEquals(4, story.engine().unwritten());
        }
    },

    /// Blocks that another sequence computes in the same step, some or all of them.
    HIT_OF_PENDING_BLOCKS {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(40);
            int[] whole = story.text(32);
            story.send(join(base, story.text(5)));
            story.send(whole);
            story.send(whole);
            story.send(join(base, story.text(30)));
            story.send(first(32, base));
            story.send(base);
            assertTrue(story.turn());
            if (story.wholePrompts()) {
                assertEquals(31 + 32 + 31 + 32, story.engine().scheduler().prefixHits());
            }
        }
    },

    /// The next turns of a chat: blocks that decoding filled, after the answer and while it is still made.
    HIT_OF_AN_ANSWER {
        @Override
        public void play(PromiseStory story) {
            int[] chat = story.text(21);
            for (int turn = 0; turn < 2; turn++) {
                Sequence asked = story.send(chat, LONG, "");
                story.run();
                chat = join(chat, answer(asked), story.text(6));
            }
            story.send(chat);
            story.run();
            // 38 tokens were stored after the first answer, 62 after the second.
            assertEquals(32 + 48, story.engine().scheduler().prefixHits());
            int[] other = story.text(10);
            Sequence running = story.send(other, 40, "");
            story.runUntil(running, 25);
            story.send(join(other, answer(running), story.text(2)));
            story.run();
            assertEquals(32 + 48 + 32, story.engine().scheduler().prefixHits());
        }
    },

    /// Three answers to one prompt: with a tail to copy, without one, and where the tail is all there is.
    FORKED {
        @Override
        public void play(PromiseStory story) {
            story.send(story.text(21), 3);
            story.send(story.text(32), 3);
            story.send(story.text(13), 3);
            story.run();
            assertEquals(2 + 2, story.engine().pool().copies());
        }
    },

    /// Three answers to a prompt that is in the cache, in part or whole, or that another computes in the same step.
    FORKED_AFTER_A_HIT {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(35);
            story.send(base);
            story.run();
            story.send(base, 3);
            story.send(first(32, base), 3);
            int[] whole = story.text(32);
            story.send(whole);
            story.send(whole, 3);
            story.run();
            assertEquals(2, story.engine().pool().copies());
            if (story.wholePrompts()) {
                assertEquals(32 + 31 + 31, story.engine().scheduler().prefixHits());
            }
        }
    },

    /// A chat goes on from one of three answers: from what was copied and then written by it alone.
    HIT_OF_A_COPY {
        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(35);
            List<Sequence> choices = story.send(base, LONG, "", 3, 0);
            story.run();
            for (Sequence choice : choices) {
                story.send(join(base, answer(choice), story.text(4)));
            }
            story.run();
            // 52 tokens of each were stored: two blocks of the prompt and one that differs.
            assertEquals(3 * 48, story.engine().scheduler().prefixHits());
        }
    },

    /// A pool that is too small for all: blocks are given up and computed again.
    PREEMPTED {
        @Override
        int blocks() {
            return 10;
        }

        @Override
        boolean sharing() {
            return false;
        }

        @Override
        public void play(PromiseStory story) {
            story.send(story.text(30), 2);
            for (int tokens : new int[] {9, 40, 16, 31}) {
                story.send(story.text(tokens), 40, "");
            }
            story.run();
            assertTrue(story.engine().scheduler().preemptions() > 0);
        }
    },

    /// The same with what can be shared: some find their own blocks again, some those of others.
    PREEMPTED_AND_SHARED {
        @Override
        int blocks() {
            return 10;
        }

        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(32);
            story.send(join(base, story.text(3)), 3);
            story.send(base, 40, "");
            story.send(join(base, story.text(20)), 40, "");
            story.send(story.text(40), 40, "");
            story.send(story.text(16), 3);
            story.run();
            assertTrue(story.engine().scheduler().preemptions() > 0);
            assertTrue(story.engine().scheduler().prefixHits() > 0);
        }
    },

    /// The end of a cached prefix has been taken for something else.
    HIT_OF_WHAT_WAS_NOT_EVICTED {
        @Override
        int blocks() {
            return 12;
        }

        @Override
        public void play(PromiseStory story) {
            int[] base = story.text(80);
            story.send(base);
            story.run();
            story.send(story.text(120));
            story.run();
            assertTrue(story.engine().pool().evictions() > 0);
            story.send(join(base, story.text(4)));
            story.run();
            long hits = story.engine().scheduler().prefixHits();
            assertTrue(hits > 0 && hits < 80, "prefixHits=" + hits);
        }
    },

    /// The sequence that computes a prefix leaves in mid-step: those that share it start again.
    STARTED_AGAIN {
        @Override
        public void play(PromiseStory story) {
            story.send(story.text(20));
            int[] base = story.text(40);
            assertTrue(story.turn());
            Sequence writer = story.send(join(base, story.text(5)));
            story.send(join(base, story.text(30)));
            story.send(first(32, base));
            story.send(first(33, base), 2);
            story.engine().turnAndLose(writer);
            if (story.wholePrompts()) {
                assertEquals(3, story.engine().scheduler().restarts());
            }
        }
    },

    /// Anything at any time: prompts that share more or less, groups, priorities, cancellations, a small pool.
    CROWD {
        @Override
        int blocks() {
            return 24;
        }

        @Override
        public void play(PromiseStory story) {
            story.crowd(20);
            assertTrue(story.engine().scheduler().prefixHits() > 0);
            assertTrue(story.engine().pool().copies() > 0);
        }
    };

    /// Blocks of the pool.
    int blocks() {
        return 64;
    }

    /// Whether prefixes are shared.
    boolean sharing() {
        return true;
    }

    @Override
    public CacheLayout layout() {
        return PromiseScenario.paged(blocks(), sharing(), 0);
    }

    @Override
    public int story() {
        return 1 + ordinal();
    }
}
