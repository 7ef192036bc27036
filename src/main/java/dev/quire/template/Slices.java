package dev.quire.template;

import java.util.ArrayList;
import java.util.List;

/// Python's `sequence[start:stop:step]`.
final class Slices {
    private Slices() {}

    /// Bounds are Java's null or `None` where they are left out.
    static Object slice(Object sequence, Object start, Object stop, Object step, Budget budget) {
        Values.refuse(sequence);
        int stride = isGiven(step) ? bound(step) : 1;
        if (stride == 0) {
            throw new TemplateException("slice step cannot be zero");
        }
        return switch (sequence) {
            case String text -> text(text, start, stop, stride, budget);
            case Markup markup -> new Markup(text(markup.text(), start, stop, stride, budget));
            case List<?> list -> items(list, start, stop, stride, budget);
            case Tuple tuple -> new Tuple(items(tuple.items(), start, stop, stride, budget));
            case Range range -> {
                int[] from = indices(start, stop, stride, range.length());
                yield new Range(
                        range.start() + from[0] * range.step(),
                        range.start() + from[1] * range.step(),
                        range.step() * stride);
            }
            case Dict _ -> throw new TemplateException("unhashable type: 'slice'");
            default -> throw new TemplateException("'" + Values.typeName(sequence) + "' object is not subscriptable");
        };
    }

    private static String text(String text, Object start, Object stop, int stride, Budget budget) {
        budget.scan(text.length());
        int[] from = indices(start, stop, stride, PythonText.length(text));
        if (stride == 1) {
            budget.text(Math.max(0, from[1] - from[0]));
            return from[0] >= from[1] ? "" : PythonText.substring(text, from[0], from[1]);
        }
        budget.text(2L * text.length());
        int[] characters = text.codePoints().toArray();
        var result = new StringBuilder();
        for (long i = from[0]; stride > 0 ? i < from[1] : i > from[1]; i += stride) {
            result.appendCodePoint(characters[(int) i]);
        }
        return result.toString();
    }

    private static List<Object> items(List<?> list, Object start, Object stop, int stride, Budget budget) {
        int[] from = indices(start, stop, stride, list.size());
        budget.items(Math.max(0, (Math.abs((long) from[1] - from[0]) - 1) / Math.abs((long) stride) + 1));
        var items = new ArrayList<Object>();
        for (long i = from[0]; stride > 0 ? i < from[1] : i > from[1]; i += stride) {
            items.add(list.get((int) i));
        }
        return items;
    }

    /// The first index and the one to stop before, within the sequence.
    private static int[] indices(Object start, Object stop, int stride, int length) {
        int lowest = stride > 0 ? 0 : -1;
        int highest = stride > 0 ? length : length - 1;
        int first = isGiven(start) ? clamped(bound(start), length, lowest, highest) : stride > 0 ? lowest : highest;
        int last = isGiven(stop) ? clamped(bound(stop), length, lowest, highest) : stride > 0 ? highest : lowest;
        return new int[] {first, last};
    }

    private static int clamped(int index, int length, int lowest, int highest) {
        return Math.clamp(index < 0 ? (long) index + length : index, lowest, Math.max(lowest, highest));
    }

    /// The optional bounds of methods like `find`: counted from the end if negative.
    static int start(Object start, int length) {
        return isGiven(start) ? clamped(bound(start), length, 0, Integer.MAX_VALUE) : 0;
    }

    static int stop(Object stop, int length) {
        return isGiven(stop) ? clamped(bound(stop), length, 0, length) : length;
    }

    private static boolean isGiven(Object bound) {
        return bound != null && bound != None.NONE;
    }

    private static int bound(Object bound) {
        if (Numbers.orNull(bound) instanceof Double || Numbers.orNull(bound) == null) {
            throw new TemplateException("slice indices must be integers or None or have an __index__ method");
        }
        return Values.requireInt(bound);
    }
}
