package dev.quire.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.math.RoundingMode;

/// Python's numbers: whole ones without bound (but {@link #LONGEST_BITS}), and how both kinds read and print.
final class Numbers {
    static final int LONGEST_BITS = 1 << 15; // Python prints no more than 4,300 digits

    private static final BigInteger SMALLEST = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LARGEST = BigInteger.valueOf(Long.MAX_VALUE);

    private Numbers() {}

    /// Whole numbers have one form: `Long` where it can hold them.
    static Object normal(BigInteger number) {
        if (number.bitLength() > LONGEST_BITS) {
            throw new TemplateException(
                    "number must not be larger: bits=" + number.bitLength() + ", most=" + LONGEST_BITS);
        }
        return number.compareTo(SMALLEST) >= 0 && number.compareTo(LARGEST) <= 0 ? (Object) number.longValue() : number;
    }

    /// A number's value as `Long`, `BigInteger` or `Double`, truth values as 0 and 1; Java's null of anything
    /// else.
    static Object orNull(Object value) {
        return switch (value) {
            case Long _, Double _, BigInteger _ -> value;
            case Boolean truth -> truth ? 1L : 0L;
            default -> null;
        };
    }

    /// As a whole number if it is one, else Java's null.
    static Object wholeOrNull(double number) {
        if (Double.isNaN(number) || Double.isInfinite(number) || number != Math.rint(number)) {
            return null;
        }
        return normal(new BigDecimal(number).toBigInteger());
    }

    static BigInteger big(Object whole) {
        return whole instanceof BigInteger big ? big : BigInteger.valueOf((Long) whole);
    }

    static double real(Object number) {
        double real = ((Number) number).doubleValue();
        if (Double.isInfinite(real) && !(number instanceof Double)) {
            throw new TemplateException("int too large to convert to float");
        }
        return real;
    }

    /// Python's `repr` of a float: the shortest digits that read back, scientific from 1e16 and below 1e-4.
    static String print(double number) {
        if (Double.isNaN(number)) {
            return "nan";
        }
        if (Double.isInfinite(number)) {
            return number > 0 ? "inf" : "-inf";
        }
        if (number == 0) {
            return 1 / number < 0 ? "-0.0" : "0.0";
        }
        BigDecimal decimal = shortest(Math.abs(number));
        String digits = decimal.unscaledValue().toString();
        int exponent = digits.length() - 1 - decimal.scale(); // of the first digit
        String sign = number < 0 ? "-" : "";
        if (exponent < -4 || exponent >= 16) {
            String fraction = digits.length() > 1 ? "." + digits.substring(1) : "";
            return sign + digits.charAt(0) + fraction + exponent(exponent);
        }
        String plain = decimal.toPlainString();
        return sign + (plain.indexOf('.') < 0 ? plain + ".0" : plain);
    }

    static String exponent(int exponent) {
        int size = Math.abs(exponent);
        return (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + size;
    }

    private static BigDecimal shortest(double number) {
        BigDecimal decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
        if (decimal.precision() == 2) {
            // Java writes two digits even where one reads back: 4.9E-324 for 5e-324.
            BigDecimal one = decimal.round(new MathContext(1, RoundingMode.HALF_EVEN));
            return one.doubleValue() == number ? one.stripTrailingZeros() : decimal;
        }
        return decimal;
    }

    /// Python's `int(text, radix)`; Java's null where it is none. Radix 0 reads a prefix.
    static Object parseWhole(String text, int radix) {
        String digits = PythonText.strip(text, null, true, true);
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        int prefixed = prefixRadix(digits);
        int used = radix;
        boolean underscore = false;
        if (prefixed != 0 && (radix == 0 || radix == prefixed)) {
            used = prefixed;
            digits = digits.substring(2);
            underscore = digits.startsWith("_");
        } else if (radix == 0) {
            used = 10;
        }
        digits = withoutUnderscores(underscore ? digits.substring(1) : digits);
        if (digits == null || digits.length() > 4300 || !allDigits(digits, used)) {
            return null;
        }
        BigInteger number = new BigInteger(digits, used);
        return normal(negative ? number.negate() : number);
    }

    private static int prefixRadix(String digits) {
        if (digits.length() < 2 || digits.charAt(0) != '0') {
            return 0;
        }
        return switch (digits.charAt(1)) {
            case 'x', 'X' -> 16;
            case 'o', 'O' -> 8;
            case 'b', 'B' -> 2;
            default -> 0;
        };
    }

    private static boolean allDigits(String digits, int radix) {
        return !digits.isEmpty() && digits.chars().allMatch(digit -> Character.digit(digit, radix) >= 0);
    }

    /// Single ones between digits may stand; Java's null where they do not.
    private static String withoutUnderscores(String digits) {
        if (digits.indexOf('_') < 0) {
            return digits;
        }
        boolean wrong = digits.startsWith("_") || digits.endsWith("_") || digits.contains("__");
        return wrong ? null : digits.replace("_", "");
    }

    /// Python's `float(text)`; Java's null where it is none.
    static Double parseReal(String text) {
        String number = withoutUnderscores(PythonText.strip(text, null, true, true));
        if (number == null || number.length() > 4300) {
            return null;
        }
        String lower = number.toLowerCase(java.util.Locale.ROOT);
        String unsigned = lower.startsWith("-") || lower.startsWith("+") ? lower.substring(1) : lower;
        double sign = lower.startsWith("-") ? -1 : 1;
        switch (unsigned) {
            case "inf", "infinity" -> {
                return sign * Double.POSITIVE_INFINITY;
            }
            case "nan" -> {
                return Double.NaN;
            }
            default -> {
                // Java also reads 1f, 1d and hexadecimal ones.
                boolean plain = !unsigned.isEmpty()
                        && unsigned.chars().allMatch(c -> c >= '0' && c <= '9' || ".e+-".indexOf(c) >= 0);
                try {
                    return plain ? Double.valueOf(lower) : null;
                } catch (NumberFormatException e) {
                    return null;
                }
            }
        }
    }

    /// Python's `round(number, digits)`: to the nearest decimal, halves of the exact value to even.
    static Object round(Object number, int digits) {
        if (!(number instanceof Double real)) {
            if (digits >= 0) {
                return number;
            }
            if (digits < -LONGEST_BITS) {
                return 0L;
            }
            return normal(new BigDecimal(big(number))
                    .setScale(digits, RoundingMode.HALF_EVEN)
                    .toBigInteger());
        }
        // Beyond 308 + 17 places nothing is left to round.
        if (Double.isNaN(real) || Double.isInfinite(real) || digits > 340) {
            return real;
        }
        if (digits < -340) {
            return 0.0 * real;
        }
        double rounded =
                new BigDecimal(real).setScale(digits, RoundingMode.HALF_EVEN).doubleValue();
        return Math.copySign(rounded, real);
    }
}
