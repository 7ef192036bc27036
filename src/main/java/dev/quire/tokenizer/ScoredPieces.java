package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.file.Path;
import java.util.Arrays;

/// SentencePiece's merges: two neighbours merge if what they cover is a token, the one with the highest score first.
/// The parts need not be tokens themselves, and nothing has to be known of them but the bytes that they cover.
///
/// Control, unknown and byte tokens never arise from text. Unused ones do, as in llama.cpp and Hugging Face tokenizers
/// (the sentencepiece package takes them apart again).
final class ScoredPieces implements PairMerges {
    private final PieceTable pieces;
    private final int[] priorities; // [tokens]; equal scores share one, 0 is the highest score

    private ScoredPieces(PieceTable pieces, int[] priorities) {
        this.pieces = pieces;
        this.priorities = priorities;
    }

    static ScoredPieces of(Vocabulary vocabulary, double[] scores, Path file) {
        requireScores(vocabulary, scores, file);
        var pieces = new PieceTable(vocabulary);
        for (int token = 0; token < scores.length; token++) {
            if (Double.isNaN(scores[token])) {
                throw new ModelFileException("score must be a number: score=NaN, token=" + token + ", name="
                        + Names.quoted(vocabulary.name(token)) + ", file=" + file);
            }
            if (arises(vocabulary, token)) {
                pieces.add(token);
            }
        }
        return new ScoredPieces(pieces, priorities(scores));
    }

    /// One for each token.
    static void requireScores(Vocabulary vocabulary, double[] scores, Path file) {
        if (scores.length != vocabulary.size()) {
            throw new ModelFileException("every token must have a score: tokens=" + vocabulary.size() + ", scores="
                    + scores.length + ", file=" + file);
        }
    }

    /// Whether merging can make the token. Text reaches the merges with ▁ for each blank, so a name with a blank in it
    /// is never met.
    static boolean arises(Vocabulary vocabulary, int token) {
        return switch (vocabulary.type(token)) {
            case NORMAL, UNUSED, USER_DEFINED ->
                vocabulary.length(token) > 0 && vocabulary.name(token).indexOf(' ') < 0;
            case UNKNOWN, CONTROL, BYTE -> false;
        };
    }

    @Override
    public int character(byte[] text, int start, int end) {
        return pieces.find(text, start, end);
    }

    @Override
    public long merge(byte[] text, int start, int end, int left, int right) {
        int token = pieces.find(text, start, end);
        return token == NO_TOKEN ? NO_MERGE : (long) priorities[token] << 32 | token;
    }

    private static int[] priorities(double[] scores) {
        double[] sorted = Arrays.stream(scores)
                .map(score -> score + 0.0)
                .sorted()
                .distinct()
                .toArray(); // -0 is 0
        var priorities = new int[scores.length];
        for (int token = 0; token < scores.length; token++) {
            priorities[token] = sorted.length - 1 - Arrays.binarySearch(sorted, scores[token] + 0.0);
        }
        return priorities;
    }
}
