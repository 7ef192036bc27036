package dev.quire.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/// What every value has: a type, a truth, perhaps a length and elements; and how Java's become Python's.
final class Values {
    private static final int DEEPEST_INPUT = 500;

    private Values() {}

    /// Java's plain data as Python's: maps, collections, texts, numbers, truth values and null.
    static Object from(Object value) {
        return from(value, 0);
    }

    private static Object from(Object value, int level) {
        if (level > DEEPEST_INPUT) {
            throw new TemplateException("variables must not be nested deeper: deepest=" + DEEPEST_INPUT);
        }
        return switch (value) {
            case null -> None.NONE;
            case String _, Boolean _, Long _, Double _, Callable _ -> value;
            case Integer _, Short _, Byte _ -> ((Number) value).longValue();
            case Float _, BigDecimal _ -> ((Number) value).doubleValue();
            case BigInteger number -> Numbers.normal(number);
            case Map<?, ?> map -> {
                var dict = new Dict();
                map.forEach((key, item) -> dict.put(from(key, level + 1), from(item, level + 1)));
                yield dict;
            }
            case Collection<?> collection -> {
                var list = new ArrayList<Object>(collection.size());
                for (Object item : collection) {
                    list.add(from(item, level + 1));
                }
                yield list;
            }
            default ->
                throw new IllegalArgumentException(
                        "variable must be plain data: class=" + value.getClass().getName());
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean truth -> truth;
            case String text -> !text.isEmpty();
            case Long number -> number != 0;
            case Double number -> number != 0;
            case None _, Undefined _ -> false;
            case List<?> list -> !list.isEmpty();
            case Dict dict -> dict.size() > 0;
            case Tuple tuple -> !tuple.items().isEmpty();
            case DictView view -> view.dict().size() > 0;
            case Range range -> range.length() > 0;
            case Markup markup -> !markup.text().isEmpty();
            default -> true;
        };
    }

    static String typeName(Object value) {
        return switch (value) {
            case Boolean _ -> "bool";
            case String _ -> "str";
            case Long _, BigInteger _ -> "int";
            case Double _ -> "float";
            case None _ -> "NoneType";
            case Undefined _ -> "Undefined";
            case List<?> _ -> "list";
            case Dict _ -> "dict";
            case Tuple _ -> "tuple";
            case DictView view -> view.type();
            case Range _ -> "range";
            case Markup _ -> "Markup";
            case Generator generator -> generator.type();
            case Namespace _ -> "TemplateNamespace";
            case Function function -> function.type();
            default -> value.getClass().getSimpleName();
        };
    }

    /// jinja2's words for an object that lacks something.
    static String describe(Object object) {
        return object == None.NONE ? "None" : typeName(object) + " object";
    }

    /// −1 if it has none.
    static int lengthOrNone(Object value) {
        return switch (value) {
            case String text -> text.codePointCount(0, text.length());
            case List<?> list -> list.size();
            case Dict dict -> dict.size();
            case Tuple tuple -> tuple.items().size();
            case DictView view -> view.dict().size();
            case Range range -> range.length();
            case Markup markup -> markup.text().codePointCount(0, markup.text().length());
            case Undefined _ -> 0;
            case Loop loop -> loop.length();
            default -> -1;
        };
    }

    static int length(Object value) {
        int length = lengthOrNone(value);
        if (length < 0) {
            throw new TemplateException("object of type '" + typeName(value) + "' has no len()");
        }
        return length;
    }

    static boolean isIterable(Object value) {
        return value instanceof String
                || value instanceof List
                || value instanceof Dict
                || value instanceof Tuple
                || value instanceof DictView
                || value instanceof Range
                || value instanceof Markup
                || value instanceof Undefined
                || value instanceof Generator;
    }

    static Iterator<Object> iterate(Object value) {
        return switch (value) {
            case List<?> list -> unchecked(list).iterator();
            case Dict dict -> dict.keys().iterator();
            case Tuple tuple -> tuple.items().iterator();
            case DictView view -> view.items().iterator();
            case String text -> characters(text);
            case Markup markup -> characters(markup.text());
            case Range range -> numbers(range);
            case Generator generator -> generator;
            case Undefined _ -> Collections.emptyIterator();
            default -> throw new TemplateException("'" + typeName(value) + "' object is not iterable");
        };
    }

    /// The elements as a list of its own.
    static List<Object> list(Object value, Budget budget) {
        if (!(value instanceof Generator)) {
            budget.items(Math.max(0, lengthOrNone(value)));
        }
        var list = new ArrayList<Object>();
        iterate(value).forEachRemaining(list::add);
        return list;
    }

    /// The text of a `str`, Java's null of anything else.
    static String textOrNull(Object value) {
        return switch (value) {
            case String text -> text;
            case Markup markup -> markup.text();
            default -> null;
        };
    }

    /// A `str` that a function requires.
    static String requireText(Object value, String function) {
        String text = textOrNull(value);
        if (text == null) {
            refuse(value);
            throw new TemplateException(function + "() argument must be str, not " + typeName(value));
        }
        return text;
    }

    /// An `int` that a function requires, cut to Java's.
    static int requireInt(Object value) {
        Object number = value instanceof Boolean truth ? (Object) (truth ? 1L : 0L) : value;
        if (number instanceof Long small) {
            return Math.clamp(small, -Integer.MAX_VALUE, Integer.MAX_VALUE);
        }
        if (number instanceof BigInteger large) {
            return large.signum() * Integer.MAX_VALUE;
        }
        refuse(value);
        throw new TemplateException("'" + typeName(value) + "' object cannot be interpreted as an integer");
    }

    /// What is undefined says so before anything else does.
    static void refuse(Object value) {
        if (value instanceof Undefined undefined) {
            throw undefined.failure();
        }
    }

    /// Whether a sequence of {@link #iterate} has `sought`; `in`.
    static boolean contains(Object container, Object sought, Budget budget) {
        String text = textOrNull(container);
        if (text != null) {
            String part = textOrNull(sought);
            if (part == null) {
                throw new TemplateException("'in <string>' requires string as left operand, not " + typeName(sought));
            }
            budget.scan(text.length());
            return new TextSearch(text, part, budget).first(0) >= 0;
        }
        if (container instanceof Dict dict) {
            return dict.has(sought);
        }
        if (container instanceof DictView view && view.kind() == DictView.Kind.KEYS) {
            return view.dict().has(sought);
        }
        if (!isIterable(container)) {
            throw new TemplateException("argument of type '" + typeName(container) + "' is not iterable");
        }
        Iterator<Object> items = iterate(container);
        while (items.hasNext()) {
            budget.step();
            Object item = items.next();
            if (item == sought || Comparison.equal(item, sought, budget)) {
                return true;
            }
        }
        return false;
    }

    /// Lists hold values only; their maker saw to it.
    @SuppressWarnings("unchecked")
    static List<Object> unchecked(List<?> list) {
        return (List<Object>) list;
    }

    private static Iterator<Object> characters(String text) {
        return new Iterator<>() {
            private int next;

            @Override
            public boolean hasNext() {
                return next < text.length();
            }

            @Override
            public Object next() {
                int start = next;
                next = text.offsetByCodePoints(start, 1);
                return text.substring(start, next);
            }
        };
    }

    private static Iterator<Object> numbers(Range range) {
        return new Iterator<>() {
            private final int length = range.length();
            private int next;

            @Override
            public boolean hasNext() {
                return next < length;
            }

            @Override
            public Object next() {
                return range.get(next++);
            }
        };
    }
}
