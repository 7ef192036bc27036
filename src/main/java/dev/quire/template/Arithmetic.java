package dev.quire.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Python's operators on numbers and sequences.
final class Arithmetic {
    private Arithmetic() {}

    static Object apply(String operator, Object left, Object right, Rendering rendering) {
        Object one = Numbers.orNull(left);
        Object two = Numbers.orNull(right);
        if (one != null && two != null) {
            return one instanceof Double || two instanceof Double
                    ? real(operator, Numbers.real(one), Numbers.real(two))
                    : whole(operator, one, two);
        }
        Values.refuse(left);
        if (operator.equals("%") && Values.textOrNull(left) != null) {
            String text = new PrintfFormat(rendering).format(Values.textOrNull(left), right);
            return left instanceof Markup ? new Markup(text) : text;
        }
        Values.refuse(right);
        Object result =
                switch (operator) {
                    case "+" -> addSequences(left, right, rendering.budget);
                    case "*" -> repeated(left, right, rendering.budget);
                    default -> null;
                };
        if (result == null) {
            String shown = operator.equals("**") ? "** or pow()" : operator;
            throw new TemplateException("unsupported operand type(s) for " + shown + ": '" + Values.typeName(left)
                    + "' and '" + Values.typeName(right) + "'");
        }
        return result;
    }

    static Object negate(Object value) {
        return switch (number(value, "-")) {
            case Double real -> -real;
            case Object whole -> Numbers.normal(Numbers.big(whole).negate());
        };
    }

    static Object positive(Object value) {
        return number(value, "+");
    }

    private static Object number(Object value, String operator) {
        Object number = Numbers.orNull(value);
        if (number == null) {
            Values.refuse(value);
            throw new TemplateException(
                    "bad operand type for unary " + operator + ": '" + Values.typeName(value) + "'");
        }
        return number;
    }

    private static Object whole(String operator, Object left, Object right) {
        if (left instanceof Long one && right instanceof Long two) {
            Object result = small(operator, one, two);
            if (result != null) {
                return result;
            }
        }
        BigInteger one = Numbers.big(left);
        BigInteger two = Numbers.big(right);
        return switch (operator) {
            case "+" -> Numbers.normal(one.add(two));
            case "-" -> Numbers.normal(one.subtract(two));
            case "*" -> Numbers.normal(one.multiply(two));
            case "/" -> quotient(one, two);
            case "//" -> Numbers.normal(floorDivide(one, nonZero(two, "integer division or modulo by zero"))[0]);
            case "%" -> Numbers.normal(floorDivide(one, nonZero(two, "integer modulo by zero"))[1]);
            default -> power(one, two);
        };
    }

    /// Java's null where the result may not fit or needs care.
    private static Object small(String operator, long left, long right) {
        boolean far = Math.abs(left) > Integer.MAX_VALUE || Math.abs(right) > Integer.MAX_VALUE;
        if (far || left == Long.MIN_VALUE || right == Long.MIN_VALUE) {
            return null;
        }
        return switch (operator) {
            case "+" -> left + right;
            case "-" -> left - right;
            case "*" -> left * right;
            case "//" -> right == 0 ? null : (Object) Math.floorDiv(left, right);
            case "%" -> right == 0 ? null : (Object) Math.floorMod(left, right);
            default -> null;
        };
    }

    private static double quotient(BigInteger left, BigInteger right) {
        nonZero(right, "division by zero");
        if (left.bitLength() <= 53 && right.bitLength() <= 53) {
            return left.doubleValue() / right.doubleValue();
        }
        // Correctly rounded, as Python's: 40 digits decide all but ties, which more than 53 bits make exactly.
        var context = new java.math.MathContext(800);
        double quotient = new java.math.BigDecimal(left)
                .divide(new java.math.BigDecimal(right), context)
                .doubleValue();
        if (Double.isInfinite(quotient)) {
            throw new TemplateException("integer division result too large for a float");
        }
        return quotient;
    }

    private static BigInteger nonZero(BigInteger number, String message) {
        if (number.signum() == 0) {
            throw new TemplateException(message);
        }
        return number;
    }

    private static BigInteger[] floorDivide(BigInteger left, BigInteger right) {
        BigInteger[] both = left.divideAndRemainder(right);
        if (both[1].signum() != 0 && both[1].signum() != right.signum()) {
            both[0] = both[0].subtract(BigInteger.ONE);
            both[1] = both[1].add(right);
        }
        return both;
    }

    private static Object power(BigInteger number, BigInteger exponent) {
        if (exponent.signum() < 0) {
            if (number.signum() == 0) {
                throw new TemplateException("0.0 cannot be raised to a negative power");
            }
            return Math.pow(Numbers.real(Numbers.normal(number)), exponent.doubleValue());
        }
        long bits = (long)
                number.abs().subtract(BigInteger.ONE).max(BigInteger.ZERO).bitLength();
        if (bits > 0 && exponent.compareTo(BigInteger.valueOf(Numbers.LONGEST_BITS / bits)) > 0) {
            throw new TemplateException("number must not be larger: most=" + Numbers.LONGEST_BITS + " bits");
        }
        // What is left when there are no bits is −1, 0 and 1, whose powers depend on the last bit alone.
        int small = bits > 0 ? exponent.intValue() : exponent.signum() == 0 ? 0 : exponent.testBit(0) ? 1 : 2;
        return Numbers.normal(number.pow(small));
    }

    private static double real(String operator, double left, double right) {
        return switch (operator) {
            case "+" -> left + right;
            case "-" -> left - right;
            case "*" -> left * right;
            case "/" -> left / nonZero(right, "float division by zero");
            case "//" -> floorQuotient(left, nonZero(right, "float floor division by zero"));
            case "%" -> modulo(left, nonZero(right, "float modulo"));
            default -> realPower(left, right);
        };
    }

    private static double nonZero(double number, String message) {
        if (number == 0) {
            throw new TemplateException(message);
        }
        return number;
    }

    /// The remainder has the divisor's sign.
    private static double modulo(double left, double right) {
        double remainder = left % right;
        if (remainder == 0) {
            return Math.copySign(0.0, right);
        }
        return remainder < 0 == right < 0 ? remainder : remainder + right;
    }

    private static double floorQuotient(double left, double right) {
        double remainder = left % right;
        double quotient = (left - remainder) / right;
        if (remainder != 0 && remainder < 0 != right < 0) {
            quotient -= 1;
        }
        if (quotient == 0) {
            return Math.copySign(0.0, left / right);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static double realPower(double left, double right) {
        if (left == 0 && right < 0) {
            throw new TemplateException("0.0 cannot be raised to a negative power");
        }
        if (left < 0 && right != Math.rint(right) && !Double.isInfinite(left)) {
            throw new TemplateException("negative number cannot be raised to a fractional power");
        }
        double power = left == 1 ? 1 : Math.pow(left, right);
        if (Double.isInfinite(power) && !Double.isInfinite(left) && !Double.isInfinite(right)) {
            throw new TemplateException("(34, 'Numerical result out of range')");
        }
        return power;
    }

    private static Object addSequences(Object left, Object right, Budget budget) {
        if (left instanceof Markup || right instanceof Markup) {
            return addMarkup(left, right, budget);
        }
        return switch (left) {
            case String one -> {
                if (!(right instanceof String two)) {
                    throw new TemplateException(
                            "can only concatenate str (not \"" + Values.typeName(right) + "\") to str");
                }
                budget.text((long) one.length() + two.length());
                yield one.concat(two);
            }
            case List<?> one -> {
                if (!(right instanceof List<?> two)) {
                    throw new TemplateException(
                            "can only concatenate list (not \"" + Values.typeName(right) + "\") to list");
                }
                yield joined(one, two, budget);
            }
            case Tuple one -> {
                if (!(right instanceof Tuple two)) {
                    throw new TemplateException(
                            "can only concatenate tuple (not \"" + Values.typeName(right) + "\") to tuple");
                }
                yield new Tuple(joined(one.items(), two.items(), budget));
            }
            default -> null;
        };
    }

    private static List<Object> joined(List<?> left, List<?> right, Budget budget) {
        budget.items((long) left.size() + right.size());
        var joined = new ArrayList<Object>(left.size() + right.size());
        joined.addAll(left);
        joined.addAll(right);
        return joined;
    }

    /// Escapes the side that is not markup.
    private static Object addMarkup(Object left, Object right, Budget budget) {
        if (Values.textOrNull(left) == null || Values.textOrNull(right) == null) {
            return null;
        }
        String one = escaped(left, budget);
        String two = escaped(right, budget);
        budget.text((long) one.length() + two.length());
        return new Markup(one + two);
    }

    static String escaped(Object value, Budget budget) {
        if (value instanceof Markup markup) {
            return markup.text();
        }
        String text = Printer.print(value, budget);
        budget.text(6L * text.length());
        return Markup.escaped(text).text();
    }

    private static Object repeated(Object left, Object right, Budget budget) {
        Object count = Numbers.orNull(right);
        Object sequence = left;
        if (count == null) {
            count = Numbers.orNull(left);
            sequence = right;
        }
        boolean known = sequence instanceof String
                || sequence instanceof Markup
                || sequence instanceof List
                || sequence instanceof Tuple;
        if (!known || count == null && (Values.textOrNull(left) == null && !(left instanceof List))) {
            return null;
        }
        if (count == null || count instanceof Double) {
            Object other = sequence == left ? right : left;
            throw new TemplateException("can't multiply sequence by non-int of type '" + Values.typeName(other) + "'");
        }
        int times = Math.max(0, Values.requireInt(count));
        return switch (sequence) {
            case List<?> list -> repeatedItems(list, times, budget);
            case Tuple tuple -> new Tuple(repeatedItems(tuple.items(), times, budget));
            case Markup markup -> new Markup(repeatedText(markup.text(), times, budget));
            default -> repeatedText((String) sequence, times, budget);
        };
    }

    static String repeatedText(String text, int times, Budget budget) {
        budget.text((long) text.length() * times);
        return text.repeat(times);
    }

    private static List<Object> repeatedItems(List<?> list, int times, Budget budget) {
        budget.items((long) list.size() * times);
        var repeated = new ArrayList<Object>(list.size() * times);
        for (List<?> one : Collections.nCopies(list.isEmpty() ? 0 : times, list)) {
            repeated.addAll(one);
        }
        return repeated;
    }
}
