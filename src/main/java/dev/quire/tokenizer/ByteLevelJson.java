package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.tokenizer.SplitStep.Behaviour;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Makes the encoder that a `tokenizer.json` with a byte-level vocabulary describes.
final class ByteLevelJson {
    private static final Map<String, Behaviour> BEHAVIOURS = Map.of(
            "Isolated", Behaviour.ISOLATED,
            "Removed", Behaviour.REMOVED,
            "Contiguous", Behaviour.CONTIGUOUS,
            "MergedWithPrevious", Behaviour.MERGED_WITH_PREVIOUS,
            "MergedWithNext", Behaviour.MERGED_WITH_NEXT);

    private ByteLevelJson() {}

    static ByteLevelEncoder encoder(TokenizerJson json, Vocabulary vocabulary, Map<String, Integer> ids, Path file) {
        var alphabet = new ByteAlphabet();
        JsonPart model = json.model();
        Optional<WholeTokens> whole = model.at("ignore_merges").flag(false)
                ? Optional.of(new WholeTokens(vocabulary, alphabet))
                : Optional.empty();
        requireNoUnknown(model, alphabet, ids, file);
        List<JsonPart> parts = BlankRules.steps(json.root().at("pre_tokenizer"), "pretokenizers");
        boolean prefixesBlank = false;
        List<SplitStep> steps = new ArrayList<>();
        for (JsonPart part : parts) {
            boolean prefixes = part.at("type").text().equals("ByteLevel")
                    && part.at("add_prefix_space").flag(true);
            if (prefixes && !steps.isEmpty()) {
                throw new ModelFileException(
                        "only whole texts can get a blank in front: add_prefix_space=true, " + part.place());
            }
            prefixesBlank |= prefixes;
            steps.add(step(part));
        }
        return new ByteLevelEncoder(
                compile(steps, json.root().at("pre_tokenizer")),
                new BytePairEncoder(MergeTable.of(json.merges(), ids, file), alphabet, ids, whole, file),
                prefixesBlank);
    }

    private static SplitStep step(JsonPart part) {
        String type = part.at("type").text();
        return switch (type) {
            case "ByteLevel" -> new SplitStep.ByteLevel(part.at("use_regex").flag(true));
            case "Digits" -> SplitStep.digits(part.at("individual_digits").flag(false));
            case "Punctuation" -> SplitStep.punctuation(behaviour(part, "Isolated"));
            case "Split" -> split(part);
            default ->
                throw new ModelFileException("pre-tokenizer must be ByteLevel, Split, Digits or Punctuation: type="
                        + Names.quoted(type) + ", " + part.place());
        };
    }

    private static SplitStep split(JsonPart part) {
        JsonPart literal = part.at("pattern").at("String");
        String pattern = literal.isPresent()
                ? literal.text().replaceAll("[\\p{Punct}]", "\\\\$0")
                : part.at("pattern").at("Regex").text();
        try {
            return new SplitStep.Split(PatternParser.parse(pattern), behaviour(part, null));
        } catch (PatternException e) {
            throw refused(e, part);
        }
    }

    private static PreTokenizer compile(List<SplitStep> steps, JsonPart part) {
        try {
            return PreTokenizer.of(steps);
        } catch (PatternException e) {
            throw refused(e, part);
        }
    }

    private static ModelFileException refused(PatternException e, JsonPart part) {
        return new ModelFileException(
                "pattern must be one that can be followed: "
                        + (part.at("pattern").isPresent()
                                ? "pattern=" + SentencePieceJson.pattern(part.at("pattern")) + ", "
                                : "")
                        + "reason=" + Names.quoted(e.getMessage()) + ", " + part.place(),
                e);
    }

    private static Behaviour behaviour(JsonPart part, String otherwise) {
        String name = otherwise == null
                ? part.at("behavior").text()
                : part.at("behavior").text(otherwise);
        Behaviour behaviour = BEHAVIOURS.get(name);
        boolean inverted = part.at("invert").flag(false);
        if (inverted && behaviour == Behaviour.REMOVED) {
            return Behaviour.KEPT;
        }
        if (behaviour == null || (inverted && behaviour != Behaviour.ISOLATED)) {
            throw new ModelFileException("pieces must be Isolated, Removed, Contiguous, MergedWithPrevious or "
                    + "MergedWithNext, inverted only the first two: behavior=" + Names.quoted(name) + ", invert="
                    + inverted + ", " + part.place());
        }
        return behaviour;
    }

    /// A byte without a token gives no token here; with an unknown token it would.
    private static void requireNoUnknown(JsonPart model, ByteAlphabet alphabet, Map<String, Integer> ids, Path file) {
        String unknown = model.at("unk_token").text("");
        if (!ids.containsKey(unknown)) {
            return;
        }
        for (int value = 0; value < 256; value++) {
            if (!ids.containsKey(String.valueOf(alphabet.character(value)))) {
                throw new ModelFileException("a byte-level vocabulary must have all bytes or no unknown token: "
                        + "unk_token=" + Names.quoted(unknown) + ", missing=" + value + ", file=" + file);
            }
        }
    }
}
