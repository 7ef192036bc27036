package dev.quire.template;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// Python's `str` and `repr`.
final class Printer {
    private final StringBuilder text = new StringBuilder();
    private final Budget budget;
    private int charged; // characters that the budget knows of

    private Printer(Budget budget) {
        this.budget = budget;
    }

    /// `str(value)`.
    static String print(Object value, Budget budget) {
        return switch (value) {
            case String same -> same;
            case Markup markup -> markup.text();
            case Undefined _ -> "";
            case Long number -> Long.toString(number);
            case Boolean truth -> truth ? "True" : "False";
            case None _ -> "None";
            default -> repr(value, budget);
        };
    }

    static String repr(Object value, Budget budget) {
        var printer = new Printer(budget);
        printer.append(value);
        return printer.text.toString();
    }

    /// A value within a message.
    static String shortened(Object value) {
        return switch (value) {
            case String text -> quoted(text);
            case Long number -> number.toString();
            case Double number -> Numbers.print(number);
            case Boolean _, None _ -> print(value, null);
            default -> "of type " + Values.typeName(value);
        };
    }

    /// A text within a message, as `repr` writes it, at most 200 characters of it.
    static String quoted(String text) {
        var quoted = new StringBuilder();
        quote(text.length() > 200 ? text.substring(0, 200) + "…" : text, quoted);
        return quoted.toString();
    }

    private void append(Object value) {
        budget.enter(1);
        budget.step();
        switch (value) {
            case String string -> appendQuoted(string);
            case Markup markup -> {
                text.append("Markup(");
                appendQuoted(markup.text());
                text.append(')');
            }
            case Undefined _ -> text.append("Undefined");
            case Double number -> text.append(Numbers.print(number));
            case BigInteger number -> text.append(whole(number));
            case List<?> list -> appendItems("[", Values.unchecked(list), "]");
            case Tuple tuple -> appendItems("(", tuple.items(), tuple.items().size() == 1 ? ",)" : ")");
            case Dict dict -> appendEntries(dict.items());
            case DictView view -> {
                text.append(view.type());
                appendItems("([", view.items(), "])");
            }
            case Range range -> {
                text.append("range(").append(range.start()).append(", ").append(range.stop());
                text.append(range.step() == 1 ? ")" : ", " + range.step() + ")");
            }
            case Namespace namespace -> appendNamespace(namespace);
            case Macro macro -> {
                text.append("<Macro ");
                text.append(macro.name() == null ? "anonymous" : quoted(macro.name()))
                        .append('>');
            }
            case Loop loop ->
                text.append("<LoopContext ")
                        .append(loop.index())
                        .append('/')
                        .append(loop.length())
                        .append('>');
            case Long _, Boolean _, None _ -> text.append(print(value, budget));
            default -> text.append('<').append(Values.typeName(value)).append(" object>");
        }
        budget.grow(charged, text.length() - charged);
        charged = text.length();
        budget.leave(1);
    }

    /// More digits than Python prints are refused as there.
    static String whole(BigInteger number) {
        String digits = number.toString();
        if (digits.length() > 4300) {
            throw new TemplateException("Exceeds the limit (4300 digits) for integer string conversion");
        }
        return digits;
    }

    private void appendQuoted(String string) {
        budget.text(string.length());
        quote(string, text);
    }

    private void appendItems(String open, List<Object> items, String close) {
        text.append(open);
        for (int i = 0; i < items.size(); i++) {
            text.append(i == 0 ? "" : ", ");
            append(items.get(i));
        }
        text.append(close);
    }

    private void appendEntries(List<Object> pairs) {
        text.append('{');
        for (int i = 0; i < pairs.size(); i++) {
            text.append(i == 0 ? "" : ", ");
            List<Object> pair = ((Tuple) pairs.get(i)).items();
            append(pair.get(0));
            text.append(": ");
            append(pair.get(1));
        }
        text.append('}');
    }

    private void appendNamespace(Namespace namespace) {
        text.append("<Namespace {");
        Iterator<Map.Entry<String, Object>> entries =
                namespace.attributes().entrySet().iterator();
        while (entries.hasNext()) {
            Map.Entry<String, Object> entry = entries.next();
            appendQuoted(entry.getKey());
            text.append(": ");
            append(entry.getValue());
            text.append(entries.hasNext() ? ", " : "");
        }
        text.append("}>");
    }

    private static void quote(String string, StringBuilder text) {
        char quote = string.indexOf('\'') >= 0 && string.indexOf('"') < 0 ? '"' : '\'';
        text.append(quote);
        for (int i = 0; i < string.length(); i += Character.charCount(string.codePointAt(i))) {
            int character = string.codePointAt(i);
            switch (character) {
                case '\n' -> text.append("\\n");
                case '\r' -> text.append("\\r");
                case '\t' -> text.append("\\t");
                case '\\' -> text.append("\\\\");
                default -> {
                    if (character == quote) {
                        text.append('\\').append(quote);
                    } else if (isPrintable(character)) {
                        text.appendCodePoint(character);
                    } else {
                        String form = character < 0x100 ? "\\x%02x" : character < 0x10000 ? "\\u%04x" : "\\U%08x";
                        text.append(form.formatted(character));
                    }
                }
            }
        }
        text.append(quote);
    }

    /// Python's `str.isprintable`: not a control, a separator but the blank, or unassigned.
    static boolean isPrintable(int character) {
        return switch (Character.getType(character)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.PRIVATE_USE,
                    Character.UNASSIGNED,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR -> false;
            case Character.SPACE_SEPARATOR -> character == ' ';
            default -> true;
        };
    }
}
