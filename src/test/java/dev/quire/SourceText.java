package dev.quire;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/// A Java or C++ file as {@link TidyTest} sees it: its types and its functions with their lengths.
///
/// Comments, strings and preprocessor lines are blanked first, then braces are counted. What a brace opens follows
/// from the text before it, back to the last `;`, `{` or `}`: a type or namespace, a function (anything else that
/// stands directly in one of those), or part of a function.
final class SourceText {
    /// A type or a function; `lines` from its first line, annotations left out, to its closing brace.
    record Part(boolean type, String name, int line, int lines) {}

    private record Frame(boolean container, Part opened) {}

    private static final Pattern TYPE =
            Pattern.compile("\\b(?:class|interface|enum|record|struct|union)\\s+(?:class\\s+)?(\\w+)");
    private static final Pattern CONTAINER =
            Pattern.compile("\\b(?:namespace\\b|extern\\s*$|new\\s+[\\w.<>?, ]+\\(.*\\)$)");
    private static final Pattern NAME = Pattern.compile("([\\w~]+)\\s*\\(");
    private static final Pattern LEADING = Pattern.compile("^(?:\\s++|@\\w[\\w.]*(?:\\s*\\([^()]*\\))?)++");

    private final String code;
    private final List<Part> parts = new ArrayList<>();

    SourceText(String text) {
        this.code = code(text);
        readParts();
    }

    /// The text with comments, the content of literals, and preprocessor lines blanked, line by line the same.
    String code() {
        return code;
    }

    List<Part> parts() {
        return parts;
    }

    private void readParts() {
        Deque<Frame> frames = new ArrayDeque<>();
        int headerStart = 0;
        for (int i = 0; i < code.length(); i++) {
            switch (code.charAt(i)) {
                case '{' -> {
                    frames.push(open(
                            headerStart, i, frames.isEmpty() || frames.peek().container()));
                    headerStart = i + 1;
                }
                case '}' -> {
                    if (frames.isEmpty()) {
                        throw new IllegalArgumentException("braces must balance: line=" + line(i));
                    }
                    Part opened = frames.pop().opened();
                    if (opened != null) {
                        parts.add(new Part(opened.type(), opened.name(), opened.line(), line(i) - opened.line() + 1));
                    }
                    headerStart = i + 1;
                }
                case ';' -> headerStart = i + 1;
                default -> {}
            }
        }
        if (!frames.isEmpty()) {
            throw new IllegalArgumentException("braces must balance: open at the end=" + frames.size());
        }
    }

    private Frame open(int headerStart, int brace, boolean inContainer) {
        String header = code.substring(headerStart, brace);
        Matcher leading = LEADING.matcher(header);
        int start = leading.find() ? leading.end() : 0;
        int line = line(headerStart + start);
        String flat = header.substring(start).strip().replaceAll("\\s+", " ");
        // A template's parameters and a function's argument may say `class`: those stand in <…> or (…).
        Matcher type = TYPE.matcher(flat.replaceAll("^template ?<[^{]*?> (?=class|struct|union|\\w)", ""));
        if (type.find()
                && !flat.substring(0, Math.min(type.start(), flat.length())).contains("(")) {
            return new Frame(true, new Part(true, type.group(1), line, 0));
        }
        if (CONTAINER.matcher(flat).find()) {
            return new Frame(true, null);
        }
        if (!inContainer || flat.endsWith("=") || flat.endsWith("]")) {
            return new Frame(false, null);
        }
        Matcher name = NAME.matcher(flat);
        return new Frame(false, new Part(false, name.find() ? name.group(1) : flat, line, 0));
    }

    private int line(int index) {
        return 1 + (int) code.substring(0, index).chars().filter(c -> c == '\n').count();
    }

    private static final Pattern BLANKED = Pattern.compile("""
            //[^\\n]* | /\\*.*?\\*/                                 # comments
            | \"\"\".*?(?<!\\\\)\"\"\" | R"(\\w*)\\(.*?\\)\\1"      # text blocks, C++ raw strings
            | "(?:[^"\\\\\\n]++|\\\\.)*+"                           # strings
            | (?<![0-9A-Fa-f])'(?:[^'\\\\\\n]|\\\\.[0-9a-fA-Fx]*)'  # characters; not C++ digit separators
            | ^\\h*\\#(?:[^\\n\\\\]++|\\\\.)*+                      # preprocessor lines, continued ones too
            """, Pattern.COMMENTS | Pattern.DOTALL | Pattern.MULTILINE);

    private static String code(String text) {
        return BLANKED.matcher(text).replaceAll(match -> match.group().replaceAll("[^\\n]", " "));
    }
}
