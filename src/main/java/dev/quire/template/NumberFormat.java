package dev.quire.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/// Digits of a number as Python's `%` and `format` write them, without sign and padding.
final class NumberFormat {
    /// Places after the point; Python has no such bound, but a template has no use for more.
    static final int MOST_PLACES = 1_000;

    private NumberFormat() {}

    /// `kind` is one of `e`, `f`, `g` and their capitals; `number` is not negative.
    static String real(double number, char kind, int places, boolean alternate) {
        if (places > MOST_PLACES) {
            throw new TemplateException("precision must not be larger: precision=" + places + ", most=" + MOST_PLACES);
        }
        String text;
        if (Double.isNaN(number)) {
            text = "nan";
        } else if (Double.isInfinite(number)) {
            text = "inf";
        } else {
            text = switch (Character.toLowerCase(kind)) {
                case 'f' -> {
                    String fixed = new BigDecimal(number)
                            .setScale(places, RoundingMode.HALF_EVEN)
                            .toPlainString();
                    yield alternate && places == 0 ? fixed + "." : fixed;
                }
                case 'e' -> scientific(number, places, alternate);
                default -> general(number, Math.max(places, 1), alternate);
            };
        }
        return Character.isUpperCase(kind) ? PythonText.upper(text) : text;
    }

    private static String scientific(double number, int places, boolean alternate) {
        String digits = "0".repeat(places + 1);
        int exponent = 0;
        if (number != 0) {
            BigDecimal rounded = new BigDecimal(number).round(new MathContext(places + 1, RoundingMode.HALF_EVEN));
            digits = rounded.unscaledValue().toString();
            exponent = digits.length() - 1 - rounded.scale();
            digits = digits + "0".repeat(Math.max(0, places + 1 - digits.length()));
        }
        String point = places > 0 || alternate ? "." : "";
        return digits.charAt(0) + point + digits.substring(1, places + 1) + Numbers.exponent(exponent);
    }

    private static String general(double number, int digits, boolean alternate) {
        int exponent = 0;
        if (number != 0) {
            BigDecimal rounded = new BigDecimal(number).round(new MathContext(digits, RoundingMode.HALF_EVEN));
            exponent = rounded.precision() - 1 - rounded.scale();
        }
        if (exponent < -4 || exponent >= digits) {
            String text = scientific(number, digits - 1, alternate);
            int mark = text.indexOf('e');
            return alternate ? text : trimmed(text.substring(0, mark)) + text.substring(mark);
        }
        String text = real(number, 'f', digits - 1 - exponent, alternate);
        return alternate ? text : trimmed(text);
    }

    private static String trimmed(String text) {
        if (text.indexOf('.') < 0) {
            return text;
        }
        String digits = text.replaceAll("0+$", "");
        return digits.endsWith(".") ? digits.substring(0, digits.length() - 1) : digits;
    }

    /// `kind` is one of `d`, `x`, `X`, `o`, `b`; the prefix is what `#` adds.
    static String whole(BigInteger number, char kind) {
        return switch (kind) {
            case 'x' -> number.abs().toString(16);
            case 'X' -> PythonText.upper(number.abs().toString(16));
            case 'o' -> number.abs().toString(8);
            case 'b' -> number.abs().toString(2);
            default -> Printer.whole(number.abs());
        };
    }

    static String prefix(char kind) {
        return kind == 'd' ? "" : "0" + kind;
    }
}
