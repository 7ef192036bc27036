package dev.quire.tokenizer;

import dev.quire.tokenizer.PatternNode.Greed;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// A pattern as the steps of a machine that tries alternatives in order (Thompson, 1968; Pike's virtual machine with
/// priorities). {@link Automaton} runs all alternatives at once.
///
/// Possessive quantifiers are taken where they mean the same as greedy ones: what follows could not have taken the
/// characters back, or needs none.
final class PatternProgram {
    static final int CHARACTER = 0; // of set a, then b
    static final int FORK = 1; // a, and if that fails b
    static final int AHEAD = 2; // the next character is of set a (bit 0 of c: or the text ends), then b
    static final int MATCH = 3;

    private static final int MOST_STEPS = 20_000;

    private final Map<CodePointSet, Integer> sets = new LinkedHashMap<>();
    private int[] steps = new int[64]; // [steps, 4]: kind, a, b, c
    private int count;
    private int start;

    private PatternProgram() {}

    static PatternProgram of(PatternNode pattern) {
        if (pattern.hasPossessive()) {
            requireGreedy(pattern, true);
        }
        if (pattern.canBeEmpty()) {
            throw new PatternException("pattern must not match the empty text");
        }
        var program = new PatternProgram();
        int match = program.step(MATCH, 0, 0, 0);
        program.start = program.add(pattern, match);
        return program;
    }

    int start() {
        return start;
    }

    int size() {
        return count;
    }

    int kind(int step) {
        return steps[4 * step];
    }

    int a(int step) {
        return steps[4 * step + 1];
    }

    int b(int step) {
        return steps[4 * step + 2];
    }

    boolean atEnd(int step) {
        return steps[4 * step + 3] != 0;
    }

    /// All sets that the steps name by index.
    List<CodePointSet> sets() {
        return new ArrayList<>(sets.keySet());
    }

    /// Adds the steps of `node`, which go on at `next`; returns where they begin.
    private int add(PatternNode node, int next) {
        return switch (node) {
            case PatternNode.One(var set) -> step(CHARACTER, set(set), next, 0);
            case PatternNode.Ahead(var set, var atEnd) -> step(AHEAD, set(set), next, atEnd ? 1 : 0);
            case PatternNode.Sequence(var parts) -> {
                int begin = next;
                for (PatternNode part : parts.reversed()) {
                    begin = add(part, begin);
                }
                yield begin;
            }
            case PatternNode.Choice(var branches) -> {
                int begin = add(branches.getLast(), next);
                for (PatternNode branch : branches.reversed().subList(1, branches.size())) {
                    begin = step(FORK, add(branch, next), begin, 0);
                }
                yield begin;
            }
            case PatternNode.Repeat repeat -> addRepeat(repeat, next);
        };
    }

    private int addRepeat(PatternNode.Repeat repeat, int next) {
        if (repeat.most() > 1 && repeat.part().canBeEmpty()) {
            throw new PatternException("repeated group must not match the empty text");
        }
        int begin = next;
        if (repeat.most() == PatternNode.Repeat.MANY) {
            int fork = step(FORK, 0, 0, 0);
            int body = add(repeat.part(), fork);
            branch(fork, body, next, repeat.greed());
            begin = fork;
        } else {
            for (int i = repeat.least(); i < repeat.most(); i++) {
                int fork = step(FORK, 0, 0, 0);
                branch(fork, add(repeat.part(), begin), next, repeat.greed());
                begin = fork;
            }
        }
        for (int i = 0; i < repeat.least(); i++) {
            begin = add(repeat.part(), begin);
        }
        return begin;
    }

    private void branch(int fork, int body, int next, Greed greed) {
        steps[4 * fork + 1] = greed == Greed.LAZY ? next : body;
        steps[4 * fork + 2] = greed == Greed.LAZY ? body : next;
    }

    private int set(CodePointSet set) {
        sets.putIfAbsent(set, sets.size());
        return sets.get(set);
    }

    private int step(int kind, int a, int b, int c) {
        if (count == MOST_STEPS) {
            throw new PatternException("pattern must need at most " + MOST_STEPS + " steps");
        }
        if (steps.length < 4 * (count + 1)) {
            steps = Arrays.copyOf(steps, 2 * steps.length);
        }
        steps[4 * count] = kind;
        steps[4 * count + 1] = a;
        steps[4 * count + 2] = b;
        steps[4 * count + 3] = c;
        return count++;
    }

    /// Refuses possessive quantifiers that mean something else than greedy ones. `last` says that nothing follows.
    private static void requireGreedy(PatternNode node, boolean last) {
        switch (node) {
            case PatternNode.One one -> {}
            case PatternNode.Ahead ahead -> {}
            case PatternNode.Choice(var branches) -> branches.forEach(branch -> requireGreedy(branch, last));
            case PatternNode.Repeat repeat -> {
                if (repeat.greed() == Greed.POSSESSIVE && !last) {
                    throw new PatternException("possessive quantifier must mean the same as a greedy one");
                }
                requireGreedy(repeat.part(), last && repeat.most() == 1);
            }
            case PatternNode.Sequence(var parts) -> {
                for (int i = 0; i < parts.size(); i++) {
                    var rest = new PatternNode.Sequence(parts.subList(i + 1, parts.size()));
                    boolean keeps = last && rest.isNullable() || isDisjoint(parts.get(i), rest);
                    requireGreedy(parts.get(i), keeps);
                }
            }
        }
    }

    /// Whether what `rest` needs next can never be what a repeated character took.
    private static boolean isDisjoint(PatternNode part, PatternNode rest) {
        return part instanceof PatternNode.Repeat repeat
                && repeat.part() instanceof PatternNode.One(var set)
                && !rest.canBeEmpty()
                && startsWithCharacter(rest)
                && set.intersection(rest.first()).isEmpty();
    }

    private static boolean startsWithCharacter(PatternNode node) {
        return switch (node) {
            case PatternNode.One one -> true;
            case PatternNode.Ahead ahead -> false;
            case PatternNode.Sequence(var parts) -> !parts.isEmpty() && startsWithCharacter(parts.getFirst());
            case PatternNode.Choice(var branches) -> branches.stream().allMatch(PatternProgram::startsWithCharacter);
            case PatternNode.Repeat repeat -> repeat.least() > 0 && startsWithCharacter(repeat.part());
        };
    }
}
