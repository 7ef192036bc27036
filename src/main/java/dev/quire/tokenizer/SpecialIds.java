package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.OptionalInt;

/// The ids of a model's named tokens, each absent or inside the vocabulary.
record SpecialIds(
        OptionalInt bos, OptionalInt eos, OptionalInt eot, OptionalInt eom, OptionalInt unknown, OptionalInt padding) {
    /// What a vocabulary of SentencePiece has where its file does not say, as in llama.cpp.
    private static final int LLAMA_UNKNOWN = 0;

    private static final int LLAMA_BOS = 1;
    private static final int LLAMA_EOS = 2;
    private static final int NONE = -1;
    private static final String PREFIX = "tokenizer.ggml.";
    private static final String SUFFIX = "_token_id";

    /// `padding` is for chat templates only.
    static SpecialIds from(ModelMetadata metadata, int vocabulary) {
        refuseOutside(metadata, vocabulary);
        boolean llama = metadata.has(GgufTokenizer.MODEL)
                && metadata.string(GgufTokenizer.MODEL).equals("llama");
        return new SpecialIds(
                id(metadata, "bos", llama ? LLAMA_BOS : NONE, vocabulary),
                id(metadata, "eos", llama ? LLAMA_EOS : NONE, vocabulary),
                id(metadata, "eot", NONE, vocabulary),
                id(metadata, "eom", NONE, vocabulary),
                id(metadata, "unknown", llama ? LLAMA_UNKNOWN : NONE, vocabulary),
                id(metadata, "padding", NONE, vocabulary));
    }

    /// Every key of a token, those that nothing asks for too: a file that is wrong there is not the one that was meant.
    private static void refuseOutside(ModelMetadata metadata, int vocabulary) {
        for (String key : metadata.values().keySet()) {
            if (key.startsWith(PREFIX) && key.endsWith(SUFFIX)) {
                String name = key.substring(PREFIX.length(), key.length() - SUFFIX.length());
                id(metadata, name, NONE, vocabulary);
            }
        }
    }

    private static OptionalInt id(ModelMetadata metadata, String name, int otherwise, int vocabulary) {
        String key = PREFIX + name + SUFFIX;
        if (!metadata.has(key)) {
            return otherwise == NONE || otherwise >= vocabulary ? OptionalInt.empty() : OptionalInt.of(otherwise);
        }
        int id = metadata.integer(key);
        if (id < 0 || id >= vocabulary) {
            throw new ModelFileException("token id must be in the vocabulary: key=" + key + ", id=" + id
                    + ", vocabulary=" + vocabulary + ", file=" + metadata.file());
        }
        return OptionalInt.of(id);
    }
}
