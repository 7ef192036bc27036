package dev.quire.template;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.BiFunction;

/// The variable `loop`. It looks ahead no further than it is asked to, as jinja2's.
final class Loop implements Callable {
    private final int depth;
    private final BiFunction<Object, Integer, String> body; // renders a nested round; Java's null if not recursive
    private Iterator<Object> items;
    private int length; // −1 while not known
    private int index0 = -1;
    private Object before; // these three are Java's null where there is none
    private Object current;
    private Object after;
    private List<Object> lastChanged;

    Loop(Iterator<Object> items, int length, int depth, BiFunction<Object, Integer, String> body) {
        this.items = items;
        this.length = length;
        this.depth = depth;
        this.body = body;
    }

    /// Goes to the next element; false if there is none.
    boolean advance() {
        Object next = peek();
        if (next == null) {
            return false;
        }
        after = null;
        index0++;
        before = current;
        current = next;
        return true;
    }

    Object current() {
        return current;
    }

    int index() {
        return index0 + 1;
    }

    int length() {
        if (length < 0) {
            var rest = new ArrayList<Object>();
            items.forEachRemaining(rest::add);
            items = rest.iterator();
            length = rest.size() + index() + (after == null ? 0 : 1);
        }
        return length;
    }

    private Object peek() {
        if (after == null && items.hasNext()) {
            after = items.next();
        }
        return after;
    }

    /// An attribute, Java's null if there is none of that name.
    Object member(String name) {
        return switch (name) {
            case "index" -> (long) index();
            case "index0" -> (long) index0;
            case "revindex" -> (long) length() - index0;
            case "revindex0" -> (long) length() - index();
            case "first" -> index0 == 0;
            case "last" -> peek() == null;
            case "length" -> (long) length();
            case "depth" -> depth + 1L;
            case "depth0" -> (long) depth;
            case "previtem" -> index0 == 0 ? new Undefined("there is no previous item") : before;
            case "nextitem" -> peek() == null ? new Undefined("there is no next item") : after;
            case "cycle" -> Function.method(name, (_, arguments) -> cycle(arguments.positional()));
            case "changed" ->
                Function.method(name, (rendering, arguments) -> changed(arguments.positional(), rendering.budget));
            default -> null;
        };
    }

    private Object cycle(List<Object> values) {
        if (values.isEmpty()) {
            throw new TemplateException("no items for cycling given");
        }
        return values.get(index0 % values.size());
    }

    private boolean changed(List<Object> values, Budget budget) {
        if (lastChanged != null && Comparison.equal(lastChanged, values, budget)) {
            return false;
        }
        lastChanged = values;
        return true;
    }

    /// `loop(items)`: the body once more, for what is nested.
    @Override
    public Object call(Rendering rendering, Arguments arguments) {
        Object inner = arguments.bind("loop", 1, "iterable")[0];
        if (body == null) {
            throw new TemplateException("The loop must have the 'recursive' marker to be called recursively.");
        }
        return body.apply(inner, depth + 1);
    }
}
