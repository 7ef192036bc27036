package dev.quire.template;

import java.util.List;
import java.util.Set;
import java.util.function.IntPredicate;

/// The methods of Python's `str`.
final class TextMethods {
    private static final Set<String> NAMES = Set.of(
            "capitalize",
            "casefold",
            "center",
            "count",
            "endswith",
            "expandtabs",
            "find",
            "format",
            "format_map",
            "index",
            "isalnum",
            "isalpha",
            "isascii",
            "isdecimal",
            "isdigit",
            "isidentifier",
            "islower",
            "isnumeric",
            "isprintable",
            "isspace",
            "istitle",
            "isupper",
            "join",
            "ljust",
            "lower",
            "lstrip",
            "partition",
            "removeprefix",
            "removesuffix",
            "replace",
            "rfind",
            "rindex",
            "rjust",
            "rpartition",
            "rsplit",
            "rstrip",
            "split",
            "splitlines",
            "startswith",
            "strip",
            "swapcase",
            "title",
            "upper",
            "zfill");

    private TextMethods() {}

    /// A method of `text`, Java's null if there is none of that name.
    static Function find(String text, String name) {
        return NAMES.contains(name)
                ? Function.method(name, (rendering, arguments) -> call(text, name, arguments, rendering))
                : null;
    }

    /// Methods of markup give markup where they give a text, and escape what they put in.
    static Function find(Markup markup, String name) {
        return !NAMES.contains(name)
                ? null
                : Function.method(name, (rendering, arguments) -> {
                    var escaped = new java.util.ArrayList<Object>();
                    for (Object argument : arguments.positional()) {
                        boolean puts = argument instanceof String
                                && Set.of("join", "replace", "format").contains(name);
                        escaped.add(puts ? Arithmetic.escaped(argument, rendering.budget) : argument);
                    }
                    Object result = call(markup.text(), name, new Arguments(escaped, arguments.named()), rendering);
                    return marked(result);
                });
    }

    private static Object marked(Object result) {
        return switch (result) {
            case String text -> new Markup(text);
            case List<?> parts ->
                new java.util.ArrayList<Object>(
                        parts.stream().map(TextMethods::marked).toList());
            case Tuple tuple -> new Tuple(Values.unchecked((List<?>) marked(tuple.items())));
            default -> result;
        };
    }

    private static Object call(String text, String name, Arguments arguments, Rendering rendering) {
        Budget budget = rendering.budget;
        budget.text(2L * text.length());
        return switch (name) {
            case "strip" -> strip(text, name, arguments, true, true);
            case "lstrip" -> strip(text, name, arguments, true, false);
            case "rstrip" -> strip(text, name, arguments, false, true);
            case "split", "rsplit" -> split(text, name, arguments, budget);
            case "startswith", "endswith" -> startsOrEnds(text, name, arguments, budget);
            case "find", "rfind", "index", "rindex", "count" -> position(text, name, arguments, budget);
            case "replace" -> {
                Object[] bound = arguments.bind(name, 2, "old", "new", "count");
                int most = bound[2] == null ? -1 : Values.requireInt(bound[2]);
                yield PythonText.replace(text, string(bound, 0, name), string(bound, 1, name), most, budget);
            }
            case "join" -> join(text, arguments.bind(name, 1, "iterable")[0], budget);
            case "format" -> new BraceFormat(rendering, arguments).format(text);
            case "format_map" -> {
                Object map = arguments.bind(name, 1, "mapping")[0];
                yield new BraceFormat(rendering, map).format(text);
            }
            case "splitlines" -> {
                Object[] bound = arguments.bind(name, 0, "keepends");
                List<Object> lines = PythonText.lines(text, bound[0] != null && Values.truth(bound[0]));
                budget.items(lines.size());
                yield lines;
            }
            case "center", "ljust", "rjust" -> pad(text, name, arguments, budget);
            case "zfill" -> zeroFill(text, Values.requireInt(arguments.bind(name, 1, "width")[0]), budget);
            case "expandtabs" -> expandTabs(text, arguments, budget);
            case "partition", "rpartition" -> partition(text, name, arguments, budget);
            case "removeprefix" -> {
                String prefix = string(arguments.bind(name, 1, "prefix"), 0, name);
                yield text.startsWith(prefix) ? text.substring(prefix.length()) : text;
            }
            case "removesuffix" -> {
                String suffix = string(arguments.bind(name, 1, "suffix"), 0, name);
                yield text.endsWith(suffix) ? text.substring(0, text.length() - suffix.length()) : text;
            }
            default -> {
                arguments.bind(name, 0);
                yield name.startsWith("is") ? is(text, name) : cased(text, name);
            }
        };
    }

    private static String string(Object[] bound, int index, String name) {
        return Values.requireText(bound[index], name);
    }

    private static String cased(String text, String name) {
        return switch (name) {
            case "lower" -> PythonText.lower(text);
            case "upper" -> PythonText.upper(text);
            case "capitalize" -> PythonText.capitalize(text);
            case "title" -> PythonText.title(text);
            case "swapcase" -> PythonText.swapCase(text);
            // Upper case first: it folds what differs in lower case alone, such as the two small sigmas and ß.
            default -> PythonText.lower(PythonText.upper(text)).replace('ς', 'σ');
        };
    }

    private static String strip(String text, String name, Arguments arguments, boolean left, boolean right) {
        Object[] bound = arguments.bind(name, 0, "chars");
        boolean given = bound[0] != null && bound[0] != None.NONE;
        return PythonText.strip(text, given ? string(bound, 0, name) : null, left, right);
    }

    private static Object split(String text, String name, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind(name, 0, "sep", "maxsplit");
        int most = bound[1] == null ? -1 : Values.requireInt(bound[1]);
        boolean fromEnd = name.equals("rsplit");
        List<Object> parts;
        if (bound[0] == null || bound[0] == None.NONE) {
            parts = fromEnd ? PythonText.wordsFromEnd(text, most) : PythonText.words(text, most);
        } else {
            String separator = string(bound, 0, name);
            if (separator.isEmpty()) {
                throw new TemplateException("empty separator");
            }
            parts = fromEnd
                    ? PythonText.splitFromEnd(text, separator, most, budget)
                    : PythonText.split(text, separator, most, budget);
        }
        budget.items(parts.size());
        return parts;
    }

    private static boolean startsOrEnds(String text, String name, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind(name, 1, "prefix", "start", "end");
        int length = PythonText.length(text);
        int start = Slices.start(bound[1], length);
        int stop = Slices.stop(bound[2], length);
        if (start > length || start > stop) {
            return false;
        }
        String part = start == 0 && stop == length ? text : PythonText.substring(text, start, stop);
        List<Object> choices = bound[0] instanceof Tuple tuple ? tuple.items() : List.of(bound[0]);
        boolean found = false;
        for (Object choice : choices) {
            budget.step();
            String affix = Values.textOrNull(choice);
            if (affix == null) {
                Values.refuse(choice);
                throw new TemplateException(
                        name + " first arg must be str or a tuple of str, not " + Values.typeName(choice));
            }
            budget.scan(affix.length());
            found |= name.equals("startswith") ? part.startsWith(affix) : part.endsWith(affix);
        }
        return found;
    }

    private static Object position(String text, String name, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind(name, 1, "sub", "start", "end");
        String sought = string(bound, 0, name);
        int length = PythonText.length(text);
        int start = Slices.start(bound[1], length);
        int stop = Slices.stop(bound[2], length);
        boolean within = start <= length && start <= stop;
        String part = !within ? "" : start == 0 && stop == length ? text : PythonText.substring(text, start, stop);
        if (name.equals("count")) {
            return within ? (long) PythonText.count(part, sought, budget) : 0L;
        }
        var search = new TextSearch(part, sought, budget);
        int at = !within ? -1 : name.startsWith("r") ? search.last(part.length()) : search.first(0);
        if (at >= 0) {
            return (long) start + part.codePointCount(0, at);
        }
        if (name.endsWith("index")) {
            throw new TemplateException("substring not found");
        }
        return -1L;
    }

    static String join(String separator, Object items, Budget budget) {
        var joined = new StringBuilder();
        var iterator = Values.iterate(items);
        for (int i = 0; iterator.hasNext(); i++) {
            budget.step();
            Object item = iterator.next();
            String text = Values.textOrNull(item);
            if (text == null) {
                throw new TemplateException(
                        "sequence item " + i + ": expected str instance, " + Values.typeName(item) + " found");
            }
            append(joined, i == 0 ? "" : separator, text, budget);
        }
        return joined.toString();
    }

    static void append(StringBuilder joined, String separator, String text, Budget budget) {
        budget.grow(joined.length(), (long) separator.length() + text.length());
        joined.append(separator).append(text);
    }

    private static String pad(String text, String name, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind(name, 1, "width", "fillchar");
        String fill = bound[1] == null ? " " : string(bound, 1, name);
        if (PythonText.length(fill) != 1) {
            throw new TemplateException("The fill character must be exactly one character long");
        }
        int width = Values.requireInt(bound[0]);
        int missing = Math.max(0, width - PythonText.length(text));
        int left =
                switch (name) {
                    case "ljust" -> 0;
                    case "rjust" -> missing;
                    // CPython's rounding.
                    default -> missing / 2 + (missing & width & 1);
                };
        return Arithmetic.repeatedText(fill, left, budget)
                .concat(text)
                .concat(Arithmetic.repeatedText(fill, missing - left, budget));
    }

    private static String zeroFill(String text, int width, Budget budget) {
        int missing = Math.max(0, width - PythonText.length(text));
        boolean signed = text.startsWith("-") || text.startsWith("+");
        String zeros = Arithmetic.repeatedText("0", missing, budget);
        return signed ? text.charAt(0) + zeros + text.substring(1) : zeros + text;
    }

    private static String expandTabs(String text, Arguments arguments, Budget budget) {
        Object[] bound = arguments.bind("expandtabs", 0, "tabsize");
        int size = bound[0] == null ? 8 : Values.requireInt(bound[0]);
        budget.text((long) PythonText.count(text, "\t", budget) * Math.max(0, size));
        var expanded = new StringBuilder();
        int column = 0;
        for (int character : text.codePoints().toArray()) {
            if (character == '\t') {
                int blanks = size <= 0 ? 0 : size - column % size;
                expanded.repeat(' ', blanks);
                column += blanks;
            } else {
                expanded.appendCodePoint(character);
                column = character == '\n' || character == '\r' ? 0 : column + 1;
            }
        }
        return expanded.toString();
    }

    private static Tuple partition(String text, String name, Arguments arguments, Budget budget) {
        String separator = string(arguments.bind(name, 1, "sep"), 0, name);
        if (separator.isEmpty()) {
            throw new TemplateException("empty separator");
        }
        boolean fromEnd = name.equals("rpartition");
        var search = new TextSearch(text, separator, budget);
        int at = fromEnd ? search.last(text.length()) : search.first(0);
        if (at < 0) {
            return fromEnd ? Tuple.of("", "", text) : Tuple.of(text, "", "");
        }
        return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
    }

    private static boolean is(String text, String name) {
        return switch (name) {
            case "isspace" -> all(text, PythonText::isSpace);
            case "isalpha" -> all(text, Character::isLetter);
            case "isdigit" -> all(text, TextMethods::isDigit);
            case "isdecimal" -> all(text, Character::isDigit);
            case "isnumeric" -> all(text, TextMethods::isNumeric);
            case "isalnum" -> all(text, c -> Character.isLetter(c) || isNumeric(c));
            case "isascii" -> text.chars().allMatch(c -> c < 0x80);
            case "isprintable" -> text.codePoints().allMatch(Printer::isPrintable);
            case "islower" -> isLower(text);
            case "isupper" -> isUpper(text);
            case "istitle" -> isTitle(text);
            default -> isIdentifier(text);
        };
    }

    private static boolean all(String text, IntPredicate predicate) {
        return !text.isEmpty() && text.codePoints().allMatch(predicate);
    }

    /// Decimal digits, and those written high, low or in circles.
    private static boolean isDigit(int character) {
        if (Character.isDigit(character)) {
            return true;
        }
        int value = Character.getNumericValue(character);
        return Character.getType(character) == Character.OTHER_NUMBER && value >= 0 && value <= 9;
    }

    static boolean isNumeric(int character) {
        return switch (Character.getType(character)) {
            case Character.DECIMAL_DIGIT_NUMBER, Character.LETTER_NUMBER, Character.OTHER_NUMBER -> true;
            default -> false;
        };
    }

    static boolean isLower(String text) {
        return text.codePoints().anyMatch(Character::isLowerCase)
                && text.codePoints().noneMatch(c -> Character.isUpperCase(c) || Character.isTitleCase(c));
    }

    static boolean isUpper(String text) {
        return text.codePoints().anyMatch(Character::isUpperCase)
                && text.codePoints().noneMatch(c -> Character.isLowerCase(c) || Character.isTitleCase(c));
    }

    private static boolean isTitle(String text) {
        boolean cased = false;
        boolean inWord = false;
        for (int character : text.codePoints().toArray()) {
            boolean upper = Character.isUpperCase(character) || Character.isTitleCase(character);
            boolean lower = Character.isLowerCase(character);
            if (upper && inWord || lower && !inWord) {
                return false;
            }
            inWord = upper || lower;
            cased |= inWord;
        }
        return cased;
    }

    static boolean isIdentifier(String text) {
        return !text.isEmpty()
                && (text.charAt(0) == '_' || Character.isUnicodeIdentifierStart(text.codePointAt(0)))
                && text.codePoints()
                        .allMatch(c -> Character.isUnicodeIdentifierPart(c) && !Character.isIdentifierIgnorable(c));
    }
}
