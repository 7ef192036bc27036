package dev.quire.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/// The methods of Python's `str` that chat templates call.
final class PythonStrings {
    private PythonStrings() {}

    static Object invoke(String text, String method, List<Object> arguments) {
        List<String> strings = arguments.stream().map(String::valueOf).toList();
        String signature = method + "/" + strings.size();
        return switch (signature) {
            case "strip/0", "strip/1" -> strip(text, strings, true, true);
            case "lstrip/0", "lstrip/1" -> strip(text, strings, true, false);
            case "rstrip/0", "rstrip/1" -> strip(text, strings, false, true);
            case "startswith/1" -> text.startsWith(strings.get(0));
            case "endswith/1" -> text.endsWith(strings.get(0));
            case "upper/0" -> text.toUpperCase(Locale.ROOT);
            case "lower/0" -> text.toLowerCase(Locale.ROOT);
            case "capitalize/0" -> capitalize(text);
            case "title/0" -> title(text);
            case "replace/2" -> replace(text, strings.get(0), strings.get(1));
            case "find/1" -> (long) text.indexOf(strings.get(0));
            case "split/0" ->
                List.of(text.isBlank() ? new String[0] : text.strip().split("\\s+"));
            case "split/1" -> split(text, strings.get(0));
            default ->
                throw new ChatTemplateException("string method must be known: method=" + Names.quoted(method)
                        + ", arguments=" + strings.size());
        };
    }

    /// With an argument, any of its characters is taken away; without, white space.
    private static String strip(String text, List<String> characters, boolean left, boolean right) {
        int start = 0;
        int end = text.length();
        while (left && start < end && isStripped(text.charAt(start), characters)) {
            start++;
        }
        while (right && end > start && isStripped(text.charAt(end - 1), characters)) {
            end--;
        }
        return text.substring(start, end);
    }

    /// Python's `str.isspace`: Unicode's white space, no-break spaces too, and the separators 1C to 1F.
    private static boolean isStripped(char character, List<String> characters) {
        if (characters.isEmpty()) {
            return Character.isWhitespace(character) || Character.isSpaceChar(character) || character == 0x85;
        }
        return characters.get(0).indexOf(character) >= 0;
    }

    /// Bounded before it is built: one call can multiply a text's length by the length of the template.
    private static String replace(String text, String old, String replacement) {
        long most = text.length() + (text.length() / Math.max(old.length(), 1) + 1L) * replacement.length();
        if (most > TemplateInterpreter.LONGEST_TEXT) {
            throw new ChatTemplateException("text must stay within bounds: method='replace', length=" + most);
        }
        return text.replace(old, replacement);
    }

    private static String capitalize(String text) {
        return text.isEmpty()
                ? text
                : text.substring(0, 1).toUpperCase(Locale.ROOT)
                        + text.substring(1).toLowerCase(Locale.ROOT);
    }

    private static String title(String text) {
        var result = new StringBuilder();
        boolean inWord = false;
        for (char character : text.toCharArray()) {
            result.append(inWord ? Character.toLowerCase(character) : Character.toTitleCase(character));
            inWord = Character.isLetter(character);
        }
        return result.toString();
    }

    private static List<String> split(String text, String separator) {
        if (separator.isEmpty()) {
            throw new ChatTemplateException("separator must not be empty: method='split'");
        }
        var parts = new ArrayList<String>();
        int start = 0;
        for (int i = text.indexOf(separator); i >= 0; i = text.indexOf(separator, start)) {
            parts.add(text.substring(start, i));
            start = i + separator.length();
        }
        parts.add(text.substring(start));
        return parts;
    }
}
