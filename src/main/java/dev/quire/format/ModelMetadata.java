package dev.quire.format;

import java.nio.file.Path;
import java.util.Collections;
import java.util.Map;

/// What a model file says of its model, in the words of GGUF (`llama.block_count`), with typed access. Values are
/// `Long` (every integer type), `Double` (float32 and float64), `Boolean`, `String`, `long[]`, `double[]`,
/// `boolean[]`, `String[]`.
///
/// A key that is missing or has another type is a {@link ModelFileException} that names key, type and file.
public final class ModelMetadata {
    private final Path file;
    private final Map<String, Object> values;

    public ModelMetadata(Path file, Map<String, Object> values) {
        this.file = file;
        this.values = Collections.unmodifiableMap(values);
    }

    public Path file() {
        return file;
    }

    /// All entries, in file order.
    public Map<String, Object> values() {
        return values;
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

    private <T> T get(String key, Class<T> type, String name) {
        Object value = values.get(key);
        if (value == null) {
            throw new ModelFileException("metadata key is missing: key=" + key + ", file=" + file);
        }
        if (!type.isInstance(value)) {
            throw new ModelFileException("metadata value has an unexpected type: key=" + key + ", expected=" + name
                    + ", found=" + value.getClass().getSimpleName() + ", file=" + file);
        }
        return type.cast(value);
    }
}
