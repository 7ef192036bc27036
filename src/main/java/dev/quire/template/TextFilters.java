package dev.quire.template;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/// jinja2's filters of texts.
final class TextFilters {
    private TextFilters() {}

    static Object apply(String name, Object value, Arguments arguments, Rendering rendering) {
        Budget budget = rendering.budget;
        return switch (name) {
            case "tojson" -> json(value, arguments, budget);
            case "safe" -> value instanceof Markup ? value : new Markup(rendering.print(value));
            case "e", "escape" -> value instanceof Markup ? value : new Markup(Arithmetic.escaped(value, budget));
            case "forceescape" -> new Markup(Arithmetic.escaped(rendering.print(value), budget));
            case "string" -> value instanceof Markup ? value : rendering.print(value);
            case "format" -> format(value, arguments, rendering);
            case "replace" -> {
                Object[] bound = arguments.bind(name, 2, "old", "new", "count");
                int most = bound[2] == null || bound[2] == None.NONE ? -1 : Values.requireInt(bound[2]);
                yield PythonText.replace(
                        rendering.print(value), rendering.print(bound[0]), rendering.print(bound[1]), most, budget);
            }
            case "truncate" -> truncate(value, arguments, budget);
            case "wordwrap" -> WordWrap.apply(value, arguments, budget);
            case "xmlattr" -> attributes(value, arguments, budget);
            case "urlencode" -> urlEncode(value, rendering);
            case "indent" -> indent(value, arguments, budget);
            case "wordcount" -> wordCount(rendering.print(value), budget);
            case "striptags" -> stripTags(rendering.print(value), budget);
            case "title" -> like(value, title(rendering.print(value), budget));
            default -> method(name, value, arguments, rendering);
        };
    }

    private static Object like(Object value, String text) {
        return value instanceof Markup ? new Markup(text) : text;
    }

    /// Filters that are the method of the same name of what is printed.
    private static Object method(String name, Object value, Arguments arguments, Rendering rendering) {
        boolean trims = name.equals("trim");
        boolean centers = name.equals("center");
        Object[] bound = trims
                ? arguments.bind(name, 0, "chars")
                : centers ? arguments.bind(name, 0, "width") : arguments.bind(name, 0);
        Arguments given = Arguments.NONE;
        if (trims && bound[0] != null) {
            given = Arguments.of(bound[0]);
        } else if (centers) {
            given = Arguments.of(bound[0] == null ? 80L : bound[0]);
        }
        String method = trims ? "strip" : name;
        Function function = value instanceof Markup markup
                ? TextMethods.find(markup, method)
                : TextMethods.find(rendering.print(value), method);
        return function.call(rendering, given);
    }

    private static String json(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("tojson", 0, "ensure_ascii", "indent", "separators", "sort_keys");
        String indent = null;
        if (bound[1] != null && bound[1] != None.NONE) {
            String text = Values.textOrNull(bound[1]);
            indent = text != null
                    ? text
                    : Arithmetic.repeatedText(" ", Math.max(0, Values.requireInt(bound[1])), budget);
        }
        String itemSeparator = indent == null ? ", " : ",";
        String keySeparator = ": ";
        if (bound[2] != null && bound[2] != None.NONE) {
            List<Object> separators = Values.list(bound[2], budget);
            if (separators.size() != 2) {
                throw new TemplateException("separators must be two: size=" + separators.size());
            }
            itemSeparator = Values.requireText(separators.get(0), "tojson");
            keySeparator = Values.requireText(separators.get(1), "tojson");
        }
        boolean ascii = bound[0] != null && Values.truth(bound[0]);
        boolean sorts = bound[3] != null && Values.truth(bound[3]);
        return Json.write(value, new Json.Layout(ascii, indent, itemSeparator, keySeparator, sorts), budget);
    }

    private static Object format(Object value, Arguments arguments, Rendering rendering) {
        if (!arguments.positional().isEmpty() && !arguments.named().isEmpty()) {
            throw new TemplateException("can't handle positional and keyword arguments at the same time");
        }
        Object values = new Tuple(arguments.positional());
        if (!arguments.named().isEmpty()) {
            var dict = new Dict();
            arguments.named().forEach(dict::put);
            values = dict;
        }
        return like(value, new PrintfFormat(rendering).format(rendering.print(value), values));
    }

    private static Object truncate(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("truncate", 0, "length", "killwords", "end", "leeway");
        String text = Values.textOrNull(value);
        int size = Values.length(value);
        budget.text(size);
        int length = bound[0] == null ? 255 : Values.requireInt(bound[0]);
        String end = bound[2] == null ? "..." : Values.requireText(bound[2], "truncate");
        int leeway = bound[3] == null || bound[3] == None.NONE ? 5 : Values.requireInt(bound[3]);
        int kept = length - PythonText.length(end);
        if (kept < 0) {
            throw new TemplateException("expected length >= " + PythonText.length(end) + ", got " + length);
        }
        if (leeway < 0) {
            throw new TemplateException("expected leeway >= 0, got " + leeway);
        }
        if (size <= (long) length + leeway) {
            return value;
        }
        if (text == null) {
            throw new TemplateException("truncate needs text: type=" + Values.typeName(value) + ", size=" + size);
        }
        String cut = PythonText.substring(text, 0, kept);
        int blank = cut.lastIndexOf(' ');
        boolean wholeWords = bound[1] == null || !Values.truth(bound[1]);
        return (wholeWords && blank >= 0 ? cut.substring(0, blank) : cut) + end;
    }

    private static Object indent(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("indent", 0, "width", "first", "blank");
        String given = bound[0] == null ? null : Values.textOrNull(bound[0]);
        int width = bound[0] == null ? 4 : given != null ? 0 : Values.requireInt(bound[0]);
        String indent = given != null ? given : Arithmetic.repeatedText(" ", Math.max(0, width), budget);
        String text = Values.textOrNull(value);
        if (text == null) {
            Values.refuse(value);
            throw new TemplateException(
                    "unsupported operand type(s) for +=: '" + Values.typeName(value) + "' and 'str'");
        }
        budget.text(text.length());
        boolean first = bound[1] != null && Values.truth(bound[1]);
        boolean blank = bound[2] != null && Values.truth(bound[2]);
        List<Object> lines = PythonText.lines(text + "\n", false);
        var indented = new StringBuilder(first ? indent : "");
        for (int i = 0; i < lines.size(); i++) {
            String line = (String) lines.get(i);
            String before = i == 0 ? "" : line.isEmpty() && !blank ? "\n" : "\n" + indent;
            TextMethods.append(indented, before, line, budget);
        }
        return like(value, indented.toString());
    }

    /// Words begin after blanks, `-` and opening brackets.
    private static String title(String text, Budget budget) {
        budget.text(2L * text.length());
        var title = new StringBuilder(text.length());
        int i = 0;
        while (i < text.length()) {
            int start = i;
            boolean between = isBetweenWords(text.charAt(i));
            while (i < text.length() && isBetweenWords(text.charAt(i)) == between) {
                i++;
            }
            String run = text.substring(start, i);
            int head = run.offsetByCodePoints(0, 1);
            title.append(PythonText.upper(run.substring(0, head))).append(PythonText.lower(run.substring(head)));
        }
        return title.toString();
    }

    private static boolean isBetweenWords(char character) {
        return PythonText.isSpace(character) || "-({[<".indexOf(character) >= 0;
    }

    private static long wordCount(String text, Budget budget) {
        budget.scan(text.length());
        long words = 0;
        boolean inWord = false;
        for (int character : text.codePoints().toArray()) {
            boolean isPart = character == '_' || Character.isLetter(character) || TextMethods.isNumeric(character);
            words += isPart && !inWord ? 1 : 0;
            inWord = isPart;
        }
        return words;
    }

    /// Without comments and tags, white space as single blanks, and entities read.
    private static String stripTags(String text, Budget budget) {
        budget.text(2L * text.length());
        String plain = without(without(text, "<!--", "-->"), "<", ">");
        List<Object> words = PythonText.words(plain, -1);
        budget.items(words.size());
        String joined = TextMethods.join(" ", words, budget);
        return joined.replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&#39;", "'")
                .replace("&#34;", "\"")
                .replace("&quot;", "\"")
                .replace("&amp;", "&");
    }

    private static String without(String text, String open, String close) {
        var rest = new StringBuilder();
        int at = 0;
        for (int start = text.indexOf(open); start >= 0; start = text.indexOf(open, at)) {
            int end = text.indexOf(close, start + (open.length() > 1 ? open.length() : 0));
            if (end < 0) {
                break;
            }
            rest.append(text, at, start);
            at = end + close.length();
        }
        return rest.append(text, at, text.length()).toString();
    }

    private static String attributes(Object value, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("xmlattr", 0, "autospace");
        if (!(value instanceof Dict dict)) {
            Values.refuse(value);
            throw new TemplateException("'" + Values.typeName(value) + "' object has no attribute 'items'");
        }
        var parts = new ArrayList<Object>();
        for (Object key : dict.keys()) {
            budget.step();
            Object item = dict.get(key);
            if (item == None.NONE || item instanceof Undefined) {
                continue;
            }
            String name = Values.requireText(key, "xmlattr");
            if (name.chars().anyMatch(c -> c < 0x80 && PythonText.isSpace(c) && c < 0x1c || " />=".indexOf(c) >= 0)) {
                throw new TemplateException("Invalid character in attribute name: " + Printer.quoted(name));
            }
            parts.add(Arithmetic.escaped(key, budget) + "=\"" + Arithmetic.escaped(item, budget) + "\"");
        }
        String joined = TextMethods.join(" ", parts, budget);
        boolean spaced = bound[0] == null || Values.truth(bound[0]);
        return spaced && !joined.isEmpty() ? " " + joined : joined;
    }

    private static String urlEncode(Object value, Rendering rendering) {
        if (Values.textOrNull(value) != null || !Values.isIterable(value)) {
            return quoted(rendering.print(value), "/", rendering.budget);
        }
        var parts = new ArrayList<Object>();
        Iterator<Object> pairs = Values.iterate(value instanceof Dict dict ? dict.items() : value);
        while (pairs.hasNext()) {
            List<Object> pair = Values.list(pairs.next(), rendering.budget);
            if (pair.size() != 2) {
                throw new TemplateException("pairs must have two elements: size=" + pair.size());
            }
            String name = quoted(rendering.print(pair.get(0)), "", rendering.budget);
            String content = quoted(rendering.print(pair.get(1)), "", rendering.budget);
            parts.add((name + "=" + content).replace("%20", "+"));
        }
        return TextMethods.join("&", parts, rendering.budget);
    }

    private static String quoted(String text, String safe, Budget budget) {
        budget.text(9L * text.length());
        var quoted = new StringBuilder();
        for (byte one : text.getBytes(StandardCharsets.UTF_8)) {
            boolean plain = one >= 'a' && one <= 'z' || one >= 'A' && one <= 'Z' || one >= '0' && one <= '9';
            if (plain || ("_.-~" + safe).indexOf(one) >= 0) {
                quoted.append((char) one);
            } else {
                quoted.append("%%%02X".formatted(one & 0xff));
            }
        }
        return quoted.toString();
    }
}
