package dev.quire.tokenizer;

import java.util.List;

/// A regular expression, read. Methods of the records rather than switches over them: a process that starts has no
/// switch over types to link for its tokenizer.
sealed interface PatternNode {
    /// Whether the node can match nothing whatever follows.
    boolean isNullable();

    /// Whether the node can match nothing somewhere.
    boolean canBeEmpty();

    /// Whether a quantifier in the node is possessive.
    boolean hasPossessive();

    /// The characters with which a match can begin; more rather than fewer.
    CodePointSet first();

    /// One character of the set.
    record One(CodePointSet set) implements PatternNode {
        @Override
        public boolean isNullable() {
            return false;
        }

        @Override
        public boolean canBeEmpty() {
            return false;
        }

        @Override
        public boolean hasPossessive() {
            return false;
        }

        @Override
        public CodePointSet first() {
            return set;
        }
    }

    /// One after the other; none at all matches the empty text.
    record Sequence(List<PatternNode> parts) implements PatternNode {
        @Override
        public boolean isNullable() {
            for (PatternNode part : parts) {
                if (!part.isNullable()) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean canBeEmpty() {
            for (PatternNode part : parts) {
                if (!part.canBeEmpty()) {
                    return false;
                }
            }
            return true;
        }

        @Override
        public boolean hasPossessive() {
            return anyPossessive(parts);
        }

        @Override
        public CodePointSet first() {
            var first = CodePointSet.NONE;
            for (PatternNode part : parts) {
                first = first.union(part.first());
                if (!part.canBeEmpty()) {
                    break;
                }
            }
            return first;
        }
    }

    /// The first that leads to a match.
    record Choice(List<PatternNode> branches) implements PatternNode {
        @Override
        public boolean isNullable() {
            for (PatternNode branch : branches) {
                if (branch.isNullable()) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean canBeEmpty() {
            for (PatternNode branch : branches) {
                if (branch.canBeEmpty()) {
                    return true;
                }
            }
            return false;
        }

        @Override
        public boolean hasPossessive() {
            return anyPossessive(branches);
        }

        @Override
        public CodePointSet first() {
            var first = CodePointSet.NONE;
            for (PatternNode branch : branches) {
                first = first.union(branch.first());
            }
            return first;
        }
    }

    /// `least` to `most` times (`MANY`: without end); `greed` says which number is tried first.
    record Repeat(PatternNode part, int least, int most, Greed greed) implements PatternNode {
        static final int MANY = Integer.MAX_VALUE;

        @Override
        public boolean isNullable() {
            return least == 0 || part.isNullable();
        }

        @Override
        public boolean canBeEmpty() {
            return least == 0 || part.canBeEmpty();
        }

        @Override
        public boolean hasPossessive() {
            return greed == Greed.POSSESSIVE || part.hasPossessive();
        }

        @Override
        public CodePointSet first() {
            return part.first();
        }
    }

    /// Nothing, where the next character belongs to the set, or the text ends and `atEnd` says that this will do.
    record Ahead(CodePointSet set, boolean atEnd) implements PatternNode {
        @Override
        public boolean isNullable() {
            return false;
        }

        @Override
        public boolean canBeEmpty() {
            return true;
        }

        @Override
        public boolean hasPossessive() {
            return false;
        }

        @Override
        public CodePointSet first() {
            return CodePointSet.NONE;
        }
    }

    enum Greed {
        GREEDY,
        LAZY,
        /// Greedy, and what was taken is not given back.
        POSSESSIVE
    }

    private static boolean anyPossessive(List<PatternNode> nodes) {
        for (PatternNode node : nodes) {
            if (node.hasPossessive()) {
                return true;
            }
        }
        return false;
    }
}
