package dev.quire.template;

/// Python's `[[fill]align][sign][z][#][0][width][grouping][.precision][type]`; 0 and −1 are left out.
record FormatSpecification(
        String fill, char align, char sign, boolean alternate, int width, char grouping, int precision, int kind) {
    static FormatSpecification parse(String text) {
        int i = 0;
        String fill = " ";
        char align = 0;
        int first = text.isEmpty() ? 0 : text.offsetByCodePoints(0, 1);
        if (first < text.length() && "<>=^".indexOf(text.charAt(first)) >= 0) {
            fill = text.substring(0, first);
            align = text.charAt(first);
            i = first + 1;
        } else if (!text.isEmpty() && "<>=^".indexOf(text.charAt(0)) >= 0) {
            align = text.charAt(0);
            i = 1;
        }
        char sign = 0;
        if (i < text.length() && "+- ".indexOf(text.charAt(i)) >= 0) {
            sign = text.charAt(i++);
        }
        boolean alternate = i < text.length() && text.charAt(i) == '#';
        i += alternate ? 1 : 0;
        if (i < text.length() && text.charAt(i) == '0') {
            fill = align == 0 ? "0" : fill;
            align = align == 0 ? '=' : align;
            i++;
        }
        int[] position = {i};
        int width = number(text, position);
        i = position[0];
        char grouping = 0;
        if (i < text.length() && (text.charAt(i) == ',' || text.charAt(i) == '_')) {
            grouping = text.charAt(i++);
        }
        int precision = -1;
        if (i < text.length() && text.charAt(i) == '.') {
            position[0] = i + 1;
            precision = number(text, position);
            i = position[0];
            if (precision < 0) {
                throw new TemplateException("Format specifier missing precision");
            }
        }
        int kind = i < text.length() ? text.charAt(i++) : 0;
        if (i < text.length() || kind != 0 && "sdbcoxXneEfFgG%".indexOf(kind) < 0) {
            throw new TemplateException("Invalid format specifier " + Printer.quoted(text));
        }
        return new FormatSpecification(fill, align, sign, alternate, width, grouping, precision, kind);
    }

    private static int number(String text, int[] position) {
        int start = position[0];
        int i = start;
        while (i < text.length() && text.charAt(i) >= '0' && text.charAt(i) <= '9') {
            i++;
        }
        position[0] = i;
        if (i - start > 9) {
            throw new TemplateException("Too many decimal digits in format string");
        }
        return i == start ? -1 : Integer.parseInt(text.substring(start, i));
    }

    String sign(boolean negative) {
        return negative ? "-" : sign == '+' ? "+" : sign == ' ' ? " " : "";
    }

    String grouped(String digits, int size) {
        if (grouping == 0) {
            return digits;
        }
        var grouped = new StringBuilder();
        for (int i = 0; i < digits.length(); i++) {
            if (i > 0 && (digits.length() - i) % size == 0) {
                grouped.append(grouping);
            }
            grouped.append(digits.charAt(i));
        }
        return grouped.toString();
    }

    /// `usual` is the alignment where none is given.
    String pad(String prefix, String body, char usual, Budget budget) {
        int missing = Math.max(0, width - PythonText.length(prefix) - PythonText.length(body));
        int left =
                switch (align == 0 ? usual : align) {
                    case '<' -> 0;
                    case '^' -> missing / 2;
                    default -> missing;
                };
        String before = Arithmetic.repeatedText(fill, left, budget);
        String after = Arithmetic.repeatedText(fill, missing - left, budget);
        return align == '=' ? prefix + before + body + after : before + prefix + body + after;
    }
}
