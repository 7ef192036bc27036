package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;

/// Makes the encoder that a `tokenizer.json` with a SentencePiece vocabulary describes: blanks as ▁, by a normalizer or
/// by `Metaspace`, merges by rank.
final class SentencePieceJson {
    private SentencePieceJson() {}

    static SentencePieceEncoder encoder(
            TokenizerJson json,
            Normalization normalization,
            Vocabulary vocabulary,
            Map<String, Integer> ids,
            Path file) {
        JsonPart model = json.model();
        if (model.at("ignore_merges").flag(false)) {
            throw new ModelFileException("only byte-level tokens can be taken whole: ignore_merges=true, file=" + file);
        }
        Spacing spacing = new Spacing(Spacing.Prefix.NEVER, false);
        boolean cutsAtBlanks = false;
        boolean replaces = normalization.replaces();
        for (JsonPart step : BlankRules.steps(json.root().at("pre_tokenizer"), "pretokenizers")) {
            String type = step.at("type").text();
            if (type.equals("Metaspace")) {
                spacing = BlankRules.metaspace(step);
                cutsAtBlanks |= step.at("split").flag(true);
                replaces = true;
            } else if (!type.equals("Split") || !replaces || !isBlank(step.at("pattern"))) {
                String pattern = step.at("pattern").isPresent() ? ", pattern=" + pattern(step.at("pattern")) : "";
                throw new ModelFileException(
                        "pre-tokenizer must be ByteLevel, Metaspace or, where blanks are replaced, "
                                + "Split at blanks: type=" + Names.quoted(type) + pattern + ", " + step.place());
            }
        }
        if (!replaces) {
            throw new ModelFileException("tokens must be of bytes, or blanks must be written as ▁: "
                    + "normalizer and pre_tokenizer do neither, file=" + file);
        }
        return new SentencePieceEncoder(
                RankedPieces.of(MergeTable.of(json.merges(), ids, file), vocabulary),
                CharacterCuts.of(vocabulary),
                spacing,
                cutsAtBlanks,
                unknown(model, ids, file));
    }

    private static SentencePieceEncoder.Unknown unknown(JsonPart model, Map<String, Integer> ids, Path file) {
        int token = PairMerges.NO_TOKEN;
        if (model.at("unk_token").isPresent()) {
            String name = model.at("unk_token").text();
            if (!ids.containsKey(name)) {
                throw new ModelFileException(
                        "unknown token must be in the vocabulary: unk_token=" + Names.quoted(name) + ", file=" + file);
            }
            token = ids.get(name);
        }
        var bytes = new int[256];
        Arrays.fill(bytes, PairMerges.NO_TOKEN);
        if (model.at("byte_fallback").flag(false)) {
            for (int value = 0; value < bytes.length; value++) {
                bytes[value] = ids.getOrDefault("<0x%02X>".formatted(value), PairMerges.NO_TOKEN);
            }
        }
        return new SentencePieceEncoder.Unknown(
                bytes, token, model.at("fuse_unk").flag(false));
    }

    /// Blanks are ▁ by then, so this cuts nowhere.
    private static boolean isBlank(JsonPart pattern) {
        return pattern.at("String").text("").equals(" ");
    }

    static String pattern(JsonPart pattern) {
        JsonPart regex = pattern.at("Regex");
        return Names.quoted(
                regex.isPresent() ? regex.text() : pattern.at("String").text());
    }
}
