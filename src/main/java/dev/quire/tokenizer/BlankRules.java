package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.util.ArrayList;
import java.util.List;

/// What the normalizer, pre-tokenizer and decoder of a `tokenizer.json` do, as far as characters and blanks go. Steps
/// that are not known are refused by name: to leave one out would give other ids without a word.
final class BlankRules {
    private static final String MARK = "▁";

    private BlankRules() {}

    /// The steps of a `Sequence`, nested ones too, or the one step; none where there is nothing.
    static List<JsonPart> steps(JsonPart part, String sequence) {
        List<JsonPart> steps = new ArrayList<>();
        if (part.isPresent()) {
            if (part.at("type").text().equals("Sequence")) {
                part.at(sequence).items().forEach(item -> steps.addAll(steps(item, sequence)));
            } else {
                steps.add(part);
            }
        }
        return steps;
    }

    static Normalization normalization(JsonPart normalizer) {
        boolean composes = false;
        boolean prepends = false;
        boolean replaces = false;
        for (JsonPart step : steps(normalizer, "normalizers")) {
            String type = step.at("type").text();
            boolean known =
                    switch (type) {
                        case "NFC" -> !prepends && !replaces;
                        case "Prepend" -> isMark(step.at("prepend").text());
                        case "Replace" ->
                            step.at("pattern").at("String").text("").equals(" ")
                                    && step.at("content").text().equals(MARK);
                        default -> false;
                    };
            if (!known) {
                throw new ModelFileException("normalizer must be NFC, Prepend of ▁, Replace of a blank by ▁, in this "
                        + "order: type=" + Names.quoted(type) + ", " + step.place());
            }
            composes |= type.equals("NFC");
            prepends |= type.equals("Prepend");
            replaces |= type.equals("Replace");
        }
        if (prepends && !replaces) {
            throw new ModelFileException("normalizer must replace blanks where it prepends one: " + normalizer.place());
        }
        return new Normalization(composes, prepends, replaces);
    }

    /// Hugging Face's `Metaspace`.
    static Spacing metaspace(JsonPart step) {
        requireMark(step);
        String otherwise = step.at("add_prefix_space").flag(true) ? "always" : "never";
        String scheme = step.at("prepend_scheme").text(otherwise);
        return new Spacing(
                switch (scheme) {
                    case "always" -> Spacing.Prefix.ALWAYS;
                    case "first" -> Spacing.Prefix.FIRST;
                    case "never" -> Spacing.Prefix.NEVER;
                    default ->
                        throw new ModelFileException("prepend_scheme must be always, first or never: found="
                                + Names.quoted(scheme) + ", " + step.place());
                },
                true);
    }

    /// Whether a decoded text loses the blank at its beginning.
    static boolean dropsFirstBlank(JsonPart decoder) {
        boolean drops = false;
        for (JsonPart step : steps(decoder, "decoders")) {
            String type = step.at("type").text();
            switch (type) {
                case "ByteLevel", "ByteFallback", "Fuse" -> {}
                case "Replace" -> {
                    if (!step.at("pattern").at("String").text("").equals(MARK)
                            || !step.at("content").text().equals(" ")) {
                        throw unknownDecoder(step, type);
                    }
                }
                case "Strip" -> {
                    if (!step.at("content").text().equals(" ")
                            || step.at("stop").number() != 0) {
                        throw unknownDecoder(step, type);
                    }
                    drops |= step.at("start").number() > 0;
                }
                case "Metaspace" -> drops |= metaspace(step).prefix() != Spacing.Prefix.NEVER;
                default -> throw unknownDecoder(step, type);
            }
        }
        return drops;
    }

    private static ModelFileException unknownDecoder(JsonPart step, String type) {
        return new ModelFileException("decoder must be ByteLevel, Metaspace, or Replace of ▁ by a blank, ByteFallback, "
                + "Fuse and Strip of a blank: type=" + Names.quoted(type) + ", " + step.place());
    }

    private static void requireMark(JsonPart step) {
        if (!isMark(step.at("replacement").text(MARK))) {
            throw new ModelFileException("blanks must be written as ▁: replacement="
                    + Names.quoted(step.at("replacement").text()) + ", " + step.place());
        }
    }

    private static boolean isMark(String text) {
        return text.equals(MARK) || text.equals(" ");
    }
}
