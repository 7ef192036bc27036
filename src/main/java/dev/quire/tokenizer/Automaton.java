package dev.quire.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntUnaryOperator;

/// A regular expression as a deterministic automaton: one table look-up a character, whatever the pattern. Immutable
/// but for what {@link CharacterClasses} remembers, and thread-safe.
///
/// It finds the match that a backtracking matcher finds, the first alternative that leads to one, not the longest. A
/// state is the list of places in the pattern that a backtracking matcher would try, in its order; a place behind one
/// that has matched is dropped (Cox, 2007, Regular Expression Matching Can Be Simple And Fast; RE2). An assertion on
/// the next character is decided when that character is read: each transition says whether a match ends in front of it.
///
/// The time is linear in the text although a match may end far in front of where it was decided: where reading on was
/// in vain is remembered ({@link DeadEnds}; Reps, 1998, Maximal-Munch Tokenization in Linear Time).
final class Automaton {
    /// A state in which nothing can match any more.
    static final int DEAD = 0;

    private static final int MOST_STATES = 4096;

    /// Places visited while the table is made. The largest of known patterns, Jais 2's, takes 0.1 million.
    private static final long MOST_WORK = 20_000_000;

    /// Bytes behind a match, or behind the start, that are read without asking what was in vain before.
    private static final int NEAR = 64;

    private final CharacterClasses classes;
    private final int[] direct = new int[256]; // class of a character of one byte; -1 begins a longer one
    private final int stride; // classes and the end of the text
    private final int[]
            table; // [states, stride]: where the next state begins in the table, << 1, and whether it matched
    private final int begin;

    private Automaton(CharacterClasses classes, IntUnaryOperator alphabet, int[] table, int begin) {
        this.classes = classes;
        this.stride = classes.count() + 1;
        this.table = table;
        this.begin = begin;
        for (int value = 0; value < direct.length; value++) {
            int character = alphabet.applyAsInt(value);
            direct[value] = character < 0 ? -1 : classes.of(character);
        }
    }

    /// An automaton over UTF-8 text.
    static Automaton overText(PatternNode pattern) {
        return of(pattern, value -> value < 0x80 ? value : -1);
    }

    /// An automaton over bytes, each of which is the character that GPT-2's alphabet has for it.
    static Automaton overBytes(PatternNode pattern) {
        return of(pattern, new ByteAlphabet()::character);
    }

    private static Automaton of(PatternNode pattern, IntUnaryOperator alphabet) {
        PatternProgram program = PatternProgram.of(pattern);
        var classes = new CharacterClasses(program.sets());
        var builder = new Builder(program, classes);
        int begin = builder.build();
        return new Automaton(classes, alphabet, builder.table, begin);
    }

    /// Bytes of the character that begins with `first`.
    int characterBytes(byte first) {
        return direct[first & 0xFF] >= 0 ? 1 : Utf8.length(first);
    }

    /// The end of the match that begins at `start`, in `text[start, end)`, or -1. `deadEnds` belongs to this automaton
    /// and `text[…, end)`.
    int matchEnd(byte[] text, int start, int end, DeadEnds deadEnds) {
        int near = Math.min(end, start + NEAR);
        int state = begin;
        int match = -1;
        int i = start;
        while (i < near) {
            int characterClass = direct[text[i] & 0xFF];
            int length = 1;
            if (characterClass < 0) {
                length = Utf8.length(text[i]);
                characterClass = classes.of(Utf8.codePoint(text, i));
            }
            int entry = table[state + characterClass];
            if ((entry & 1) != 0) {
                match = i;
            }
            state = entry >> 1;
            if (state == DEAD) {
                return match;
            }
            i += length;
        }
        if (i >= end) {
            return (table[state + stride - 1] & 1) != 0 ? end : match;
        }
        return matchFar(text, i, end, state, match, deadEnds);
    }

    /// Goes on at `from`, and notes what was in vain.
    private int matchFar(byte[] text, int from, int end, int nearState, int nearMatch, DeadEnds deadEnds) {
        int state = nearState;
        int match = nearMatch;
        int previous = from - 1;
        int i = from;
        while (i < end && state != DEAD) {
            if (i >> DeadEnds.SPACING_BITS != previous >> DeadEnds.SPACING_BITS) {
                if (deadEnds.contains(state, i)) {
                    state = DEAD;
                    break;
                }
                deadEnds.note(state, i);
            }
            previous = i;
            int characterClass = direct[text[i] & 0xFF];
            int length = 1;
            if (characterClass < 0) {
                length = Utf8.length(text[i]);
                characterClass = classes.of(Utf8.codePoint(text, i));
            }
            int entry = table[state + characterClass];
            if ((entry & 1) != 0) {
                match = i;
                deadEnds.forget();
            }
            state = entry >> 1;
            i += length;
        }
        if (state != DEAD && (table[state + stride - 1] & 1) != 0) {
            match = end;
            deadEnds.forget();
        }
        deadEnds.keep();
        return match;
    }

    /// Makes the table: every list of places that can be reached, and where each class of characters leads from it.
    private static final class Builder {
        private final PatternProgram program;
        private final CharacterClasses classes;
        private final int stride;
        private final Map<List<Integer>, Integer> states = new HashMap<>();
        private final List<List<Integer>> places = new ArrayList<>(); // of each state
        private final int[] visited; // by place: the round in which it was visited
        private final int[] open; // places to visit, the next one last; each visit takes one and adds at most two
        private int round;
        private long work;
        private int[] table;

        Builder(PatternProgram program, CharacterClasses classes) {
            this.program = program;
            this.classes = classes;
            stride = classes.count() + 1;
            visited = new int[program.size()];
            open = new int[program.size() + 2];
            table = new int[16 * stride];
        }

        int build() {
            number(List.of()); // DEAD
            int begin = number(List.of(program.start()));
            for (int state = 1; state < places.size(); state++) {
                for (int c = 0; c < stride; c++) {
                    int entry = transition(places.get(state), c);
                    if (table.length < (state + 1) * stride) {
                        table = Arrays.copyOf(table, 2 * table.length);
                    }
                    table[state * stride + c] = entry;
                }
            }
            table = Arrays.copyOf(table, places.size() * stride);
            return begin;
        }

        private int number(List<Integer> list) {
            Integer known = states.get(list);
            if (known != null) {
                return known;
            }
            if (places.size() == MOST_STATES) {
                throw new PatternException("pattern must need at most " + MOST_STATES + " states");
            }
            int state = places.size() * stride;
            states.put(list, state);
            places.add(list);
            return state;
        }

        /// Follows all places in order, knowing that the next character is of `nextClass` (the last: the text ends).
        private int transition(List<Integer> from, int nextClass) {
            boolean ends = nextClass == classes.count();
            List<Integer> next = new ArrayList<>();
            int depth = 0;
            round++;
            for (int place : from) {
                open[depth++] = place;
                while (depth > 0) {
                    int step = open[--depth];
                    if (visited[step] == round) {
                        continue;
                    }
                    visited[step] = round;
                    if (++work > MOST_WORK) {
                        throw new PatternException("pattern must be simpler: states=" + places.size());
                    }
                    switch (program.kind(step)) {
                        case PatternProgram.CHARACTER -> {
                            if (!ends
                                    && classes.belongs(nextClass, program.a(step))
                                    && !next.contains(program.b(step))) {
                                next.add(program.b(step));
                            }
                        }
                        case PatternProgram.AHEAD -> {
                            if (ends ? program.atEnd(step) : classes.belongs(nextClass, program.a(step))) {
                                open[depth++] = program.b(step);
                            }
                        }
                        case PatternProgram.FORK -> {
                            open[depth++] = program.b(step);
                            open[depth++] = program.a(step);
                        }
                        default -> {
                            return number(next) << 1 | 1;
                        }
                    }
                }
            }
            return number(next) << 1;
        }
    }
}
