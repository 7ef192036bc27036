package dev.quire.tokenizer;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/// The small files beside a tokenizer in a folder in Hugging Face's layout; each may be missing.
record HuggingFaceFiles(Path folder, JsonPart tokenizer, JsonPart specialTokens, JsonPart generation, JsonPart config) {
    static HuggingFaceFiles of(Path folder) {
        return new HuggingFaceFiles(
                folder,
                JsonPart.of(folder.resolve("tokenizer_config.json")),
                JsonPart.of(folder.resolve("special_tokens_map.json")),
                JsonPart.of(folder.resolve("generation_config.json")),
                JsonPart.of(folder.resolve("config.json")));
    }

    /// The name of a special token, as `bos_token`.
    Optional<String> special(String key) {
        Optional<String> name = tokenizer.at(key).tokenName();
        return name.isPresent() ? name : specialTokens.at(key).tokenName();
    }

    /// What `add_bos_token` or `add_eos_token` says; empty where neither key is there.
    Optional<Boolean> adds(String key) {
        boolean said = tokenizer.at("add_bos_token").isPresent()
                || tokenizer.at("add_eos_token").isPresent();
        return said ? Optional.of(tokenizer.at(key).flag(false)) : Optional.empty();
    }

    /// Ids at which an answer ends: one or several.
    List<JsonPart> endIds() {
        JsonPart ids = generation.at("eos_token_id");
        if (!ids.isPresent()) {
            ids = config.at("eos_token_id");
        }
        if (!ids.isPresent()) {
            return List.of();
        }
        return ids.isArray() ? ids.items() : List.of(ids);
    }

    /// Rows of the model's embedding, which may be more than there are tokens.
    OptionalInt modelVocabulary() {
        JsonPart size = config.at("vocab_size");
        if (!size.isPresent()) {
            size = config.at("text_config").at("vocab_size");
        }
        return size.isPresent() ? OptionalInt.of(size.number()) : OptionalInt.empty();
    }

    /// Names that `tokenizer_config.json` calls special without saying more.
    List<String> namedSpecial() {
        List<String> names = new ArrayList<>();
        for (String role : List.of("bos", "eos", "unk", "sep", "pad", "cls", "mask")) {
            special(role + "_token").ifPresent(names::add);
        }
        for (String key : List.of("additional_special_tokens", "extra_special_tokens")) {
            JsonPart list = tokenizer.at(key);
            if (list.isArray()) {
                list.items().forEach(item -> item.tokenName().ifPresent(names::add));
            }
        }
        return names;
    }
}
