package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.OptionalInt;

/// The ids of a model's named tokens, each absent or inside the vocabulary.
record SpecialIds(OptionalInt bos, OptionalInt eos, OptionalInt eot, OptionalInt eom) {
    /// Checks `unknown` and `padding` as well, although byte-level BPE uses neither: a bad id makes a bad file.
    static SpecialIds from(ModelMetadata metadata, int vocabulary) {
        id(metadata, "unknown", vocabulary);
        id(metadata, "padding", vocabulary);
        return new SpecialIds(
                id(metadata, "bos", vocabulary),
                id(metadata, "eos", vocabulary),
                id(metadata, "eot", vocabulary),
                id(metadata, "eom", vocabulary));
    }

    private static OptionalInt id(ModelMetadata metadata, String name, int vocabulary) {
        String key = "tokenizer.ggml." + name + "_token_id";
        if (!metadata.has(key)) {
            return OptionalInt.empty();
        }
        int id = metadata.integer(key);
        if (id < 0 || id >= vocabulary) {
            throw new ModelFileException("token id must be in the vocabulary: key=" + key + ", id=" + id
                    + ", vocabulary=" + vocabulary + ", file=" + metadata.file());
        }
        return OptionalInt.of(id);
    }
}
