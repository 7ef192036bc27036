package dev.quire.tokenizer;

import dev.quire.tokenizer.SplitStep.Behaviour;
import java.util.List;

/// Walks over the pieces of a text: each step of a pre-tokenizer cuts the pieces of the step before, one at a time, so
/// that no list of pieces is made. Not thread-safe: one encoding owns it.
final class PieceCursor {
    /// One compiled step.
    record Splitter(Automaton automaton, Behaviour behaviour) {}

    private final Level[] levels;
    private byte[] text = {};
    private int start;
    private int end;
    private boolean taken = true; // without steps: whether the whole text was taken

    PieceCursor(List<Splitter> splitters) {
        levels = splitters.stream().map(Level::new).toArray(Level[]::new);
    }

    /// Begins with the pieces of `text[start, end)`, which is valid UTF-8.
    void reset(byte[] text, int start, int end) {
        this.text = text;
        this.start = start;
        this.end = end;
        taken = start == end;
        for (int level = 0; level < levels.length; level++) {
            levels[level].reset(text, start, level == 0 ? end : start);
        }
    }

    /// Goes to the next piece, which is not empty; false when there is none.
    boolean next() {
        if (levels.length == 0) {
            boolean found = !taken;
            taken = true;
            return found;
        }
        boolean found = advance(levels.length - 1);
        start = levels[levels.length - 1].start;
        end = levels[levels.length - 1].end;
        return found;
    }

    int start() {
        return start;
    }

    int end() {
        return end;
    }

    private boolean advance(int index) {
        Level level = levels[index];
        while (!level.next()) {
            if (index == 0 || !advance(index - 1)) {
                return false;
            }
            level.reset(text, levels[index - 1].start, levels[index - 1].end);
        }
        return true;
    }

    /// The pieces that one step makes of one piece of the step before.
    private static final class Level {
        private final Automaton automaton;
        private final Behaviour behaviour;
        private final DeadEnds deadEnds = new DeadEnds();
        private byte[] text;
        private int position; // what stands before is done
        private int limit;
        private int matchStart; // the first match that ends behind position; at limit if there is none
        private int matchEnd;
        private int start; // of the piece
        private int end;

        Level(Splitter splitter) {
            automaton = splitter.automaton();
            behaviour = splitter.behaviour();
        }

        void reset(byte[] newText, int from, int to) {
            text = newText;
            position = from;
            limit = to;
            matchStart = -1;
            deadEnds.clear();
        }

        boolean next() {
            while (position < limit) {
                boolean isMatch = take();
                switch (behaviour) {
                    case ISOLATED -> {
                        return true;
                    }
                    case REMOVED, KEPT -> {
                        if (isMatch == (behaviour == Behaviour.KEPT)) {
                            return true;
                        }
                    }
                    case CONTIGUOUS -> {
                        while (isMatch && isMatchAhead()) {
                            extend();
                        }
                        return true;
                    }
                    case MERGED_WITH_PREVIOUS -> {
                        if (!isMatch && isMatchAhead()) {
                            extend();
                        }
                        return true;
                    }
                    case MERGED_WITH_NEXT -> {
                        if (isMatch && position < limit && !isMatchAhead()) {
                            extend();
                        }
                        return true;
                    }
                }
            }
            return false;
        }

        private void extend() {
            int first = start;
            take();
            start = first;
        }

        private boolean isMatchAhead() {
            find();
            return position < limit && matchStart == position;
        }

        /// Takes the match at `position`, or what stands in front of the next one; returns whether it is a match.
        private boolean take() {
            find();
            boolean isMatch = matchStart == position;
            start = position;
            end = isMatch ? matchEnd : matchStart;
            position = end;
            return isMatch;
        }

        private void find() {
            if (matchStart >= position) {
                return;
            }
            for (int i = position; i < limit; i += automaton.characterBytes(text[i])) {
                int found = automaton.matchEnd(text, i, limit, deadEnds);
                if (found >= 0) {
                    matchStart = i;
                    matchEnd = found;
                    return;
                }
            }
            matchStart = limit;
        }
    }
}
