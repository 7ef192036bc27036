package dev.quire.template;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;

/// Python's `==`, `<` and sorting.
final class Comparison {
    private Comparison() {}

    static boolean equal(Object left, Object right, Budget budget) {
        if (left instanceof String one && right instanceof String two) {
            budget.scan(Math.min(one.length(), two.length()));
            return one.equals(two);
        }
        Object leftNumber = Numbers.orNull(left);
        Object rightNumber = Numbers.orNull(right);
        if (leftNumber != null && rightNumber != null) {
            return compareNumbers(leftNumber, rightNumber) == Order.EQUAL;
        }
        String leftText = Values.textOrNull(left);
        if (leftText != null) {
            return leftText.equals(Values.textOrNull(right));
        }
        return switch (left) {
            case List<?> one when right instanceof List<?> two -> equalItems(one, two, budget);
            case Tuple one when right instanceof Tuple two -> equalItems(one.items(), two.items(), budget);
            case Dict one when right instanceof Dict two -> equalEntries(one, two, budget);
            case Undefined _ -> right instanceof Undefined;
            case Range one when right instanceof Range two -> equalRanges(one, two);
            case DictView one
            when right instanceof DictView two && one.kind() == two.kind() -> equalViews(one, two, budget);
            default -> left == right;
        };
    }

    private static boolean equalItems(List<?> left, List<?> right, Budget budget) {
        if (left.size() != right.size()) {
            return false;
        }
        budget.enter(1);
        for (int i = 0; i < left.size(); i++) {
            budget.step();
            Object one = left.get(i);
            Object two = right.get(i);
            if (one != two && !equal(one, two, budget)) {
                budget.leave(1);
                return false;
            }
        }
        budget.leave(1);
        return true;
    }

    private static boolean equalEntries(Dict left, Dict right, Budget budget) {
        if (left.size() != right.size()) {
            return false;
        }
        budget.enter(1);
        boolean equal = true;
        for (Object key : left.keys()) {
            budget.step();
            Object other = right.get(key);
            Object own = left.get(key);
            equal &= other != null && (own == other || equal(own, other, budget));
        }
        budget.leave(1);
        return equal;
    }

    private static boolean equalRanges(Range left, Range right) {
        int length = left.length();
        return length == right.length()
                && (length == 0 || left.start() == right.start() && (length == 1 || left.step() == right.step()));
    }

    private static boolean equalViews(DictView left, DictView right, Budget budget) {
        return switch (left.kind()) {
            case VALUES -> left == right;
            case ITEMS -> equalEntries(left.dict(), right.dict(), budget);
            case KEYS ->
                left.dict().size() == right.dict().size()
                        && left.dict().keys().stream().allMatch(right.dict()::has);
        };
    }

    private enum Order {
        LESS,
        EQUAL,
        GREATER,
        NONE;

        static Order of(int comparison) {
            return comparison < 0 ? LESS : comparison == 0 ? EQUAL : GREATER;
        }
    }

    static boolean less(Object left, Object right, Budget budget) {
        return order(left, right, "<", budget) == Order.LESS;
    }

    /// `operator` is one of `<`, `<=`, `>`, `>=`.
    static boolean holds(Object left, Object right, String operator, Budget budget) {
        Order order = order(left, right, operator, budget);
        return switch (operator) {
            case "<" -> order == Order.LESS;
            case "<=" -> order == Order.LESS || order == Order.EQUAL;
            case ">" -> order == Order.GREATER;
            default -> order == Order.GREATER || order == Order.EQUAL;
        };
    }

    private static Order order(Object left, Object right, String operator, Budget budget) {
        Object leftNumber = Numbers.orNull(left);
        Object rightNumber = Numbers.orNull(right);
        if (leftNumber != null && rightNumber != null) {
            return compareNumbers(leftNumber, rightNumber);
        }
        String leftText = Values.textOrNull(left);
        String rightText = Values.textOrNull(right);
        if (leftText != null && rightText != null) {
            budget.scan(Math.min(leftText.length(), rightText.length()));
            return Order.of(compareTexts(leftText, rightText));
        }
        if (left instanceof List<?> one && right instanceof List<?> two) {
            return orderItems(one, two, operator, budget);
        }
        if (left instanceof Tuple one && right instanceof Tuple two) {
            return orderItems(one.items(), two.items(), operator, budget);
        }
        Values.refuse(left);
        Values.refuse(right);
        throw new TemplateException("'" + operator + "' not supported between instances of '" + Values.typeName(left)
                + "' and '" + Values.typeName(right) + "'");
    }

    private static Order orderItems(List<?> left, List<?> right, String operator, Budget budget) {
        budget.enter(1);
        int common = Math.min(left.size(), right.size());
        for (int i = 0; i < common; i++) {
            budget.step();
            Object one = left.get(i);
            Object two = right.get(i);
            if (one != two && !equal(one, two, budget)) {
                Order order = order(one, two, operator, budget);
                budget.leave(1);
                return order;
            }
        }
        budget.leave(1);
        return Order.of(Integer.compare(left.size(), right.size()));
    }

    private static Order compareNumbers(Object left, Object right) {
        if (left instanceof Long one && right instanceof Long two) {
            return Order.of(Long.compare(one, two));
        }
        if (left instanceof Double || right instanceof Double) {
            double one = ((Number) left).doubleValue();
            double two = ((Number) right).doubleValue();
            if (Double.isNaN(one) || Double.isNaN(two)) {
                return Order.NONE;
            }
            boolean bothReal = left instanceof Double && right instanceof Double;
            if (bothReal || Double.isInfinite(one) || Double.isInfinite(two)) {
                return one == two ? Order.EQUAL : one < two ? Order.LESS : Order.GREATER;
            }
            return Order.of(exact(left).compareTo(exact(right)));
        }
        return Order.of(Numbers.big(left).compareTo(Numbers.big(right)));
    }

    private static BigDecimal exact(Object number) {
        return number instanceof Double real ? new BigDecimal(real) : new BigDecimal(Numbers.big(number));
    }

    /// By code points, where Java's own order puts surrogates before U+E000.
    private static int compareTexts(String left, String right) {
        int common = Math.min(left.length(), right.length());
        for (int i = 0; i < common; i++) {
            char one = left.charAt(i);
            char two = right.charAt(i);
            if (one != two) {
                if (Character.isSurrogate(one) != Character.isSurrogate(two)) {
                    return Character.isSurrogate(one) ? 1 : -1;
                }
                return one - two;
            }
        }
        return left.length() - right.length();
    }

    /// An element and what it is sorted by.
    record Keyed(Object key, Object item) {}

    /// A stable merge sort that asks `less` alone, as Python's does: keys without a total order do no harm.
    static List<Object> sort(List<Keyed> items, boolean reverse, Budget budget) {
        budget.items(items.size());
        var source = new ArrayList<>(reverse ? items.reversed() : items).toArray(Keyed[]::new);
        var target = source.clone();
        if (source.length > 1) {
            less(source[1].key, source[0].key, budget); // Python's first comparison: its failure is the one to show
        }
        mergeSort(target, source, 0, source.length, budget);
        var sorted = new ArrayList<Object>(source.length);
        for (Keyed one : source) {
            sorted.add(one.item);
        }
        return reverse ? new ArrayList<>(sorted.reversed()) : sorted;
    }

    private static void mergeSort(Keyed[] from, Keyed[] to, int start, int end, Budget budget) {
        if (end - start < 2) {
            return;
        }
        int middle = (start + end) >>> 1;
        mergeSort(to, from, start, middle, budget);
        mergeSort(to, from, middle, end, budget);
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++) {
            budget.step();
            boolean takesRight = left >= middle || right < end && less(from[right].key, from[left].key, budget);
            to[i] = takesRight ? from[right++] : from[left++];
        }
    }
}
