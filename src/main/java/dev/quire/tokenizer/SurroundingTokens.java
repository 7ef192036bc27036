package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import java.util.stream.IntStream;

/// Tokens that a model puts in front of a text and behind it, as the post-processor of a `tokenizer.json` says.
record SurroundingTokens(int[] first, int[] last) {
    static final SurroundingTokens NONE = new SurroundingTokens(new int[0], new int[0]);

    static SurroundingTokens of(JsonPart processor) {
        if (!processor.isPresent()) {
            return NONE;
        }
        String type = processor.at("type").text();
        return switch (type) {
            case "ByteLevel" -> NONE; // moves offsets, not ids
            case "Sequence" -> {
                SurroundingTokens all = NONE;
                for (JsonPart part : processor.at("processors").items()) {
                    SurroundingTokens outer = of(part);
                    all = new SurroundingTokens(concat(outer.first, all.first), concat(all.last, outer.last));
                }
                yield all;
            }
            case "TemplateProcessing" -> template(processor);
            case "BertProcessing", "RobertaProcessing" ->
                new SurroundingTokens(new int[] {named(processor.at("cls"))}, new int[] {named(processor.at("sep"))});
            default ->
                throw new ModelFileException("post-processor must be one of ByteLevel, TemplateProcessing, "
                        + "BertProcessing, RobertaProcessing, Sequence: type=" + Names.quoted(type) + ", "
                        + processor.place());
        };
    }

    private static SurroundingTokens template(JsonPart processor) {
        int[] first = {};
        int[] last = {};
        boolean text = false;
        for (JsonPart item : processor.at("single").items()) {
            if (item.at("Sequence").isPresent()) {
                if (text) {
                    throw new ModelFileException("template must have the text once: " + processor.place());
                }
                text = true;
                continue;
            }
            String name = item.at("SpecialToken").at("id").text();
            int[] found = processor.at("special_tokens").at(name).at("ids").items().stream()
                    .mapToInt(JsonPart::number)
                    .toArray();
            if (text) {
                last = concat(last, found);
            } else {
                first = concat(first, found);
            }
        }
        if (!text) {
            throw new ModelFileException("template must have the text once: " + processor.place());
        }
        return new SurroundingTokens(first, last);
    }

    /// `["</s>", 2]`
    private static int named(JsonPart pair) {
        var items = pair.items();
        if (items.size() != 2) {
            throw new ModelFileException(
                    "a name and an id must stand here: items=" + items.size() + ", " + pair.place());
        }
        return items.get(1).number();
    }

    private static int[] concat(int[] left, int[] right) {
        return IntStream.concat(IntStream.of(left), IntStream.of(right)).toArray();
    }
}
