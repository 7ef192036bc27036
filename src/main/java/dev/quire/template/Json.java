package dev.quire.template;

import java.math.BigInteger;
import java.util.List;

/// JSON as Python's `json.dumps` writes it, which is Transformers' `tojson` and what models have seen in training:
/// blanks after `:` and `,`, or line breaks where there is an indent.
final class Json {
    /// - `indent`: what a level adds at the start of a line, Java's null: all on one line
    record Layout(boolean asciiOnly, String indent, String itemSeparator, String keySeparator, boolean sortsKeys) {}

    private final StringBuilder json = new StringBuilder();
    private final Layout layout;
    private final Budget budget;
    private int charged; // characters that the budget knows of

    private Json(Layout layout, Budget budget) {
        this.layout = layout;
        this.budget = budget;
    }

    static String write(Object value, Layout layout, Budget budget) {
        var writer = new Json(layout, budget);
        writer.append(value, 0);
        return writer.json.toString();
    }

    private void append(Object value, int level) {
        budget.enter(1);
        budget.step();
        switch (value) {
            case String text -> appendText(text);
            case Markup markup -> appendText(markup.text());
            case None _ -> json.append("null");
            case Boolean truth -> json.append(truth);
            case Long number -> json.append(number);
            case BigInteger number -> json.append(Printer.whole(number));
            case Double number -> json.append(real(number));
            case Dict dict -> appendDict(dict, level);
            case List<?> list -> appendList(Values.unchecked(list), level);
            case Tuple tuple -> appendList(tuple.items(), level);
            default ->
                throw new TemplateException("Object of type " + Values.typeName(value) + " is not JSON serializable");
        }
        budget.grow(charged, json.length() - charged);
        charged = json.length();
        budget.leave(1);
    }

    private static String real(double number) {
        if (Double.isNaN(number)) {
            return "NaN";
        }
        return Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : Numbers.print(number);
    }

    private void appendDict(Dict dict, int level) {
        List<Object> pairs = dict.items();
        if (layout.sortsKeys) {
            pairs = Comparison.sort(
                    pairs.stream()
                            .map(pair ->
                                    new Comparison.Keyed(((Tuple) pair).items().get(0), pair))
                            .toList(),
                    false,
                    budget);
        }
        json.append('{');
        for (int i = 0; i < pairs.size(); i++) {
            List<Object> pair = ((Tuple) pairs.get(i)).items();
            separate(i, level + 1);
            appendText(key(pair.get(0)));
            json.append(layout.keySeparator);
            append(pair.get(1), level + 1);
        }
        close(pairs.size(), level);
        json.append('}');
    }

    private String key(Object key) {
        return switch (key) {
            case String text -> text;
            case Markup markup -> markup.text();
            case Boolean truth -> truth.toString();
            case None _ -> "null";
            case Double number -> real(number);
            case Long _, BigInteger _ -> Printer.print(key, budget);
            default ->
                throw new TemplateException("keys must be str, int, float, bool or None, not " + Values.typeName(key));
        };
    }

    private void appendList(List<Object> list, int level) {
        json.append('[');
        for (int i = 0; i < list.size(); i++) {
            separate(i, level + 1);
            append(list.get(i), level + 1);
        }
        close(list.size(), level);
        json.append(']');
    }

    private void separate(int index, int level) {
        if (index > 0) {
            json.append(layout.itemSeparator);
        }
        newLine(level);
    }

    private void close(int size, int level) {
        if (size > 0) {
            newLine(level);
        }
    }

    private void newLine(int level) {
        if (layout.indent != null) {
            budget.text((long) layout.indent.length() * level);
            json.append('\n').repeat(layout.indent, level);
        }
    }

    private void appendText(String text) {
        budget.text(text.length());
        json.append('"');
        for (int i = 0; i < text.length(); i++) {
            char character = text.charAt(i);
            switch (character) {
                case '"' -> json.append("\\\"");
                case '\\' -> json.append("\\\\");
                case '\n' -> json.append("\\n");
                case '\r' -> json.append("\\r");
                case '\t' -> json.append("\\t");
                case '\b' -> json.append("\\b");
                case '\f' -> json.append("\\f");
                default -> {
                    if (character < 0x20 || layout.asciiOnly && character > 0x7e) {
                        json.append("\\u").append("%04x".formatted((int) character));
                    } else {
                        json.append(character);
                    }
                }
            }
        }
        json.append('"');
    }
}
