package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/// Reads the tokenizer of a folder in Hugging Face's layout: `tokenizer.json` with what `tokenizer_config.json`,
/// `special_tokens_map.json`, `generation_config.json` and `config.json` say of special tokens, as Transformers does.
///
/// A folder without `tokenizer.json` may have SentencePiece's `tokenizer.model`, or GPT-2's `vocab.json` and
/// `merges.txt`; both say what a GGUF file would say, and are read as such.
final class HuggingFaceTokenizer {
    /// Ids may leave gaps: at most as many as there are names, and these. No file then makes a vocabulary much larger
    /// than itself.
    private static final int MOST_GAPS = 1 << 16;

    private final Path file;
    private final TokenizerJson json;
    private final HuggingFaceFiles files;
    private final Map<String, JsonPart> added = new LinkedHashMap<>(); // name → its description
    private final Map<String, Integer> ids; // of all tokens
    private final Set<String> namedSpecial;
    private final boolean isByteLevel;

    static TokenizerParts read(Path folder) {
        Path file = folder.resolve("tokenizer.json");
        if (Files.exists(file)) {
            return new HuggingFaceTokenizer(file).parts();
        }
        return GgufTokenizer.read(OlderTokenizerFiles.metadata(folder));
    }

    private HuggingFaceTokenizer(Path file) {
        this.file = file;
        json = TokenizerJson.read(file);
        files = HuggingFaceFiles.of(file.getParent());
        namedSpecial = new LinkedHashSet<>(files.namedSpecial());
        requireBpe();
        ids = new HashMap<>(json.vocab());
        isByteLevel = BlankRules.steps(json.root().at("pre_tokenizer"), "pretokenizers").stream()
                .anyMatch(step -> step.at("type").text().equals("ByteLevel"));
        collectAdded();
    }

    private void requireBpe() {
        String type = json.model().at("type").text("BPE"); // older files do not say
        if (!type.equals("BPE")) {
            throw new ModelFileException("tokenizer model must be BPE: type=" + Names.quoted(type) + ", file=" + file);
        }
        for (String affix : List.of("continuing_subword_prefix", "end_of_word_suffix")) {
            String found = json.model().at(affix).text("");
            if (!found.isEmpty()) {
                throw new ModelFileException(
                        "tokens must have no affixes: " + affix + "=" + Names.quoted(found) + ", file=" + file);
            }
        }
        if (json.vocab().isEmpty()) {
            throw new ModelFileException("vocabulary must not be empty: file=" + file);
        }
    }

    /// Added tokens of `tokenizer.json`, then those of `tokenizer_config.json`, which win where both name one, then
    /// names that are special without more being said.
    private void collectAdded() {
        JsonPart list = json.root().at("added_tokens");
        if (list.isPresent()) {
            list.items().forEach(token -> add(token, token.at("id").number()));
        }
        JsonPart decoder = files.tokenizer().at("added_tokens_decoder");
        if (decoder.isPresent()) {
            for (String id : decoder.fields()) {
                add(decoder.at(id), id(id, decoder));
            }
        }
    }

    private void add(JsonPart token, int id) {
        String name = token.at("content").text();
        Integer known = ids.putIfAbsent(name, id);
        if (known != null && known != id) {
            throw new ModelFileException("added token must have the vocabulary's id: name=" + Names.quoted(name)
                    + ", id=" + id + ", vocabulary=" + known + ", " + token.place());
        }
        added.put(name, token);
    }

    static int id(String digits, JsonPart decoder) {
        try {
            return Integer.parseUnsignedInt(digits);
        } catch (NumberFormatException e) {
            throw new ModelFileException(
                    "token id must be a number: id=" + Names.quoted(digits) + ", " + decoder.place(), e);
        }
    }

    private TokenizerParts parts() {
        Normalization normalization = BlankRules.normalization(json.root().at("normalizer"));
        Vocabulary vocabulary = vocabulary(normalization);
        Map<Boolean, List<AddedToken>> tokens = addedTokens(normalization);
        TextEncoder encoder = isByteLevel
                ? byteLevel(normalization, vocabulary)
                : SentencePieceJson.encoder(json, normalization, vocabulary, ids, file);
        SurroundingTokens around = surrounding(vocabulary.size());
        return new TokenizerParts(
                vocabulary,
                new AddedTokens(tokens.get(false)),
                new AddedTokens(tokens.get(true)),
                normalization,
                false,
                encoder,
                around.first(),
                around.last(),
                ends(vocabulary),
                BlankRules.dropsFirstBlank(json.root().at("decoder")));
    }

    private Vocabulary vocabulary(Normalization normalization) {
        int largest = ids.values().stream().mapToInt(Integer::intValue).max().orElseThrow();
        int size = Math.max(largest, files.modelVocabulary().orElse(0) - 1) + 1;
        if (size <= 0 || size - MOST_GAPS > 2L * ids.size()) {
            throw new ModelFileException("token ids must leave few gaps: tokens=" + ids.size() + ", largest=" + largest
                    + ", vocab_size=" + files.modelVocabulary().orElse(0) + ", file=" + file);
        }
        var names = new String[size];
        var types = new TokenType[size];
        Arrays.fill(types, TokenType.UNUSED);
        boolean hasBytes = json.model().at("byte_fallback").flag(false);
        ids.forEach((name, token) -> {
            TokenType type = type(name, hasBytes);
            // One id for `\t` and <0x09>, as in Gemma's file: the plain name is what merges are made of.
            if (names[token] != null && type != TokenType.BYTE && types[token] != TokenType.BYTE) {
                throw new ModelFileException("token ids must be distinct: id=" + token + ", name="
                        + Names.quoted(names[token]) + ", duplicate=" + Names.quoted(name) + ", file=" + file);
            }
            if (names[token] == null || type != TokenType.BYTE) {
                names[token] = type == TokenType.USER_DEFINED ? found(name, normalization) : name;
                types[token] = type;
            }
        });
        for (int token = 0; token < size; token++) {
            names[token] = names[token] == null ? "[PAD" + token + "]" : names[token];
        }
        return Vocabulary.of(
                names,
                types,
                isByteLevel ? Vocabulary.byteLevel(new ByteAlphabet()) : Vocabulary.sentencePiece(),
                file);
    }

    private TokenType type(String name, boolean hasBytes) {
        JsonPart token = added.get(name);
        if (token != null) {
            return token.at("special").flag(false) ? TokenType.CONTROL : TokenType.USER_DEFINED;
        }
        if (namedSpecial.contains(name)) {
            return TokenType.CONTROL;
        }
        return !isByteLevel && hasBytes && Vocabulary.byteOf(name) >= 0 ? TokenType.BYTE : TokenType.NORMAL;
    }

    private static boolean isNormalized(JsonPart token) {
        return token.at("normalized").flag(!token.at("special").flag(false));
    }

    /// How the name of an added token stands in the text that it is looked for in, and in a decoded one.
    private String found(String name, Normalization normalization) {
        return isNormalized(added.get(name)) ? normalization.apply(name) : name;
    }

    /// By whether they are found in the normalized text.
    private Map<Boolean, List<AddedToken>> addedTokens(Normalization normalization) {
        Map<Boolean, List<AddedToken>> tokens = Map.of(false, new ArrayList<>(), true, new ArrayList<>());
        added.forEach((name, token) -> {
            tokens.get(isNormalized(token))
                    .add(new AddedToken(
                            found(name, normalization),
                            ids.get(name),
                            token.at("lstrip").flag(false),
                            token.at("rstrip").flag(false),
                            token.at("single_word").flag(false)));
        });
        for (String name : namedSpecial) {
            if (!added.containsKey(name) && ids.containsKey(name)) {
                tokens.get(false).add(AddedToken.plain(name, ids.get(name)));
            }
        }
        return tokens;
    }

    private TextEncoder byteLevel(Normalization normalization, Vocabulary vocabulary) {
        if (normalization.replaces()) {
            throw new ModelFileException("a byte-level tokenizer must have no normalizer but NFC: "
                    + json.root().at("normalizer").place());
        }
        return ByteLevelJson.encoder(json, vocabulary, ids, file);
    }

    /// `add_bos_token` and `add_eos_token` replace the post-processor, as in Transformers.
    private SurroundingTokens surrounding(int vocabulary) {
        SurroundingTokens around;
        if (files.adds("add_bos_token").isPresent()) {
            around = new SurroundingTokens(added("bos"), added("eos"));
        } else {
            around = SurroundingTokens.of(json.root().at("post_processor"));
        }
        for (int[] tokens : List.of(around.first(), around.last())) {
            for (int token : tokens) {
                requireToken(token, vocabulary, "post_processor", file);
            }
        }
        return around;
    }

    private int[] added(String role) {
        Optional<String> name = files.special(role + "_token");
        if (!files.adds("add_" + role + "_token").orElse(false) || name.isEmpty()) {
            return new int[0];
        }
        Integer token = ids.get(name.get());
        if (token == null) {
            throw new ModelFileException("special token must be in the vocabulary: " + role + "_token="
                    + Names.quoted(name.get()) + ", file=" + files.tokenizer().file());
        }
        return new int[] {token};
    }

    private BitSet ends(Vocabulary vocabulary) {
        var found = new BitSet(vocabulary.size());
        for (JsonPart id : files.endIds()) {
            requireToken(id.number(), vocabulary.size(), id.name(), id.file());
            found.set(id.number());
        }
        files.special("eos_token").map(ids::get).ifPresent(found::set);
        for (String name : GgufTokenizer.END_NAMES) {
            Integer token = ids.get(name);
            if (token != null && vocabulary.type(token) == TokenType.CONTROL) {
                found.set(token);
            }
        }
        return found;
    }

    private static void requireToken(int token, int vocabulary, String name, Path file) {
        if (token >= vocabulary) {
            throw new ModelFileException("token id must be in the vocabulary: key=" + name + ", id=" + token
                    + ", vocabulary=" + vocabulary + ", file=" + file);
        }
    }
}
