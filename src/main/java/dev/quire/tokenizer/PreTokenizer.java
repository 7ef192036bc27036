package dev.quire.tokenizer;

import dev.quire.tokenizer.PieceCursor.Splitter;
import java.util.ArrayList;
import java.util.List;

/// How a text is cut into pieces before merging; merges never cross a cut. Immutable and thread-safe.
///
/// Made of the steps that Hugging Face's tokenizer.json lists, or that a name in GGUF stands for
/// ({@link GgufPreTokenizer}).
final class PreTokenizer {
    private final List<Splitter> splitters;

    private PreTokenizer(List<Splitter> splitters) {
        this.splitters = List.copyOf(splitters);
    }

    /// Compiles the steps. A pattern that cannot be followed is a {@link PatternException}.
    static PreTokenizer of(List<SplitStep> steps) {
        List<Splitter> splitters = new ArrayList<>();
        boolean bytes = false;
        for (SplitStep step : steps) {
            if (step instanceof SplitStep.ByteLevel level) {
                if (bytes) {
                    throw new PatternException("text must be turned into bytes once");
                }
                if (level.usesPattern()) {
                    splitters.add(splitter(new SplitStep.Isolated(SplitStep.ByteLevel.PATTERN), false));
                }
                bytes = true;
            } else {
                splitters.add(splitter(step, bytes));
            }
        }
        return new PreTokenizer(splitters);
    }

    private static Splitter splitter(SplitStep step, boolean bytes) {
        PatternNode pattern;
        var behaviour = SplitStep.Behaviour.ISOLATED;
        if (step instanceof SplitStep.Split split) {
            pattern = split.pattern();
            behaviour = split.behaviour();
        } else if (step instanceof SplitStep.Isolated isolated) {
            pattern = PatternParser.parse(isolated.pattern());
        } else if (step instanceof SplitStep.Digits digits) {
            var number = new PatternNode.One(CharacterProperties.numbers());
            int most = digits.individual() ? 1 : PatternNode.Repeat.MANY;
            pattern = new PatternNode.Repeat(number, 1, most, PatternNode.Greed.GREEDY);
        } else if (step instanceof SplitStep.Punctuation punctuation) {
            pattern = new PatternNode.One(CharacterProperties.punctuation());
            behaviour = punctuation.behaviour();
        } else {
            throw new IllegalArgumentException("step must cut: step=" + step);
        }
        return new Splitter(bytes ? Automaton.overBytes(pattern) : Automaton.overText(pattern), behaviour);
    }

    /// A cursor for one encoding.
    PieceCursor cursor() {
        return new PieceCursor(splitters);
    }
}
