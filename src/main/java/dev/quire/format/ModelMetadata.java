package dev.quire.format;

import java.nio.file.Path;
import java.util.AbstractMap;
import java.util.AbstractSet;
import java.util.Collections;
import java.util.Iterator;
import java.util.Map;
import java.util.Set;

/// What a model file says of its model, in the words of GGUF (`llama.block_count`), with typed access. Values are
/// `Long` (every integer type), `Double` (float32 and float64), `Boolean`, `String`, `long[]`, `double[]`,
/// `boolean[]`, `String[]`.
///
/// The arrays of a GGUF file are read when they are asked for, which must be while the file is open; asking twice may
/// read twice. What is wrong inside one of them shows only then.
///
/// A key that is missing or has another type is a {@link ModelFileException} that names key, type and file.
public final class ModelMetadata {
    private final Path file;
    private final Map<String, Object> values; // a GgufArray where the array is still in its file

    public ModelMetadata(Path file, Map<String, Object> values) {
        this.file = file;
        this.values = values;
    }

    public Path file() {
        return file;
    }

    /// All entries, in file order; cannot be changed. A value that is an array is read when it is looked at.
    public Map<String, Object> values() {
        return new Values();
    }

    public boolean has(String key) {
        return values.containsKey(key);
    }

    public String string(String key) {
        return get(key, String.class, "string");
    }

    public String string(String key, String otherwise) {
        return has(key) ? string(key) : otherwise;
    }

    /// An integer that fits an `int`.
    public int integer(String key) {
        long value = get(key, Long.class, "integer");
        if (value != (int) value) {
            throw new ModelFileException(
                    "metadata value must fit 32 bits: key=" + key + ", value=" + value + ", file=" + file);
        }
        return (int) value;
    }

    public int integer(String key, int otherwise) {
        return has(key) ? integer(key) : otherwise;
    }

    /// A floating-point value; an integer is taken too.
    public double number(String key) {
        Object value = values.get(key);
        return value instanceof Long whole ? (double) whole : get(key, Double.class, "number");
    }

    public double number(String key, double otherwise) {
        return has(key) ? number(key) : otherwise;
    }

    public boolean flag(String key, boolean otherwise) {
        return has(key) ? get(key, Boolean.class, "bool") : otherwise;
    }

    public String[] strings(String key) {
        return get(key, String[].class, "array of strings");
    }

    public long[] integers(String key) {
        return get(key, long[].class, "array of integers");
    }

    public double[] numbers(String key) {
        return get(key, double[].class, "array of numbers");
    }

    /// Elements of an array of strings, which is not read for this.
    public int stringCount(String key) {
        return present(key) instanceof GgufArray array && array.elementsClass() == String[].class
                ? array.length()
                : strings(key).length;
    }

    /// The name of a value's type, for messages.
    static String typeName(Object value) {
        Class<?> type = value instanceof GgufArray array ? array.elementsClass() : value.getClass();
        return type.getSimpleName();
    }

    private Object present(String key) {
        Object value = values.get(key);
        if (value == null) {
            throw new ModelFileException("metadata key is missing: key=" + key + ", file=" + file);
        }
        return value;
    }

    private <T> T get(String key, Class<T> type, String name) {
        Object value = present(key);
        if (value instanceof GgufArray array && array.elementsClass() == type) {
            return type.cast(array.elements());
        }
        if (!type.isInstance(value)) {
            throw new ModelFileException("metadata value has an unexpected type: key=" + key + ", expected=" + name
                    + ", found=" + typeName(value) + ", file=" + file);
        }
        return type.cast(value);
    }

    private static Object read(Object value) {
        return value instanceof GgufArray array ? array.elements() : value;
    }

    /// {@link #values} as others see it.
    private final class Values extends AbstractMap<String, Object> {
        @Override
        public boolean containsKey(Object key) {
            return values.containsKey(key);
        }

        @Override
        public Object get(Object key) {
            return read(values.get(key));
        }

        @Override
        public Set<String> keySet() {
            return Collections.unmodifiableSet(values.keySet());
        }

        @Override
        public Set<Entry<String, Object>> entrySet() {
            return new AbstractSet<>() {
                @Override
                public int size() {
                    return values.size();
                }

                @Override
                public Iterator<Entry<String, Object>> iterator() {
                    return values.entrySet().stream()
                            .<Entry<String, Object>>map(
                                    entry -> new SimpleImmutableEntry<>(entry.getKey(), read(entry.getValue())))
                            .iterator();
                }
            };
        }
    }
}
