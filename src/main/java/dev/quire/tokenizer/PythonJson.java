package dev.quire.tokenizer;

import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// JSON as Python's `json.dumps(value, ensure_ascii=False, indent=indent)` writes it, which is Transformers' `tojson`
/// and what models have seen in training: blanks after `:` and `,`, or line breaks where there is an indent.
///
/// Bounds: at most {@link #DEEPEST} levels and `longest` characters.
final class PythonJson {
    private static final int DEEPEST = 100;
    private static final int COMPACT = -1;

    private final StringBuilder json = new StringBuilder();
    private final int indent; // blanks a level, or COMPACT
    private final int longest;

    private PythonJson(int indent, int longest) {
        this.indent = indent;
        this.longest = longest;
    }

    static String compact(Object value, int longest) {
        return new PythonJson(COMPACT, longest).write(value);
    }

    static String indented(Object value, int indent, int longest) {
        return new PythonJson(indent, longest).write(value);
    }

    private String write(Object value) {
        append(value, 0);
        return json.toString();
    }

    private void append(Object value, int level) {
        if (level > DEEPEST || json.length() > longest) {
            throw new ChatTemplateException("JSON must be at most " + DEEPEST + " levels deep and " + longest
                    + " characters long: level=" + level + ", length=" + json.length());
        }
        switch (value) {
            case null -> json.append("null");
            case Boolean truth -> json.append(truth);
            case Number number -> json.append(number);
            case Map<?, ?> map -> appendMap(map, level);
            case List<?> list -> appendList(list, level);
            default -> appendString(value.toString());
        }
    }

    private void appendMap(Map<?, ?> map, int level) {
        json.append('{');
        Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<?, ?> entry = entries.next();
            newLine(level + 1);
            appendString(String.valueOf(entry.getKey()));
            json.append(": ");
            append(entry.getValue(), level + 1);
            separate(entries.hasNext());
        }
        if (!map.isEmpty()) {
            newLine(level);
        }
        json.append('}');
    }

    private void appendList(List<?> list, int level) {
        json.append('[');
        Iterator<?> elements = list.iterator();
        while (elements.hasNext()) {
            newLine(level + 1);
            append(elements.next(), level + 1);
            separate(elements.hasNext());
        }
        if (!list.isEmpty()) {
            newLine(level);
        }
        json.append(']');
    }

    private void separate(boolean more) {
        if (more) {
            json.append(indent == COMPACT ? ", " : ",");
        }
    }

    private void newLine(int level) {
        if (indent != COMPACT) {
            json.append('\n').repeat(' ', indent * level);
        }
    }

    private void appendString(String text) {
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
                    if (character < 0x20) {
                        json.append("\\u%04x".formatted((int) character));
                    } else {
                        json.append(character);
                    }
                }
            }
        }
        json.append('"');
    }
}
