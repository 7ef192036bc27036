package dev.quire.format;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Arrays;

/// A tensor as a safetensors file has it, under its own name.
///
/// - `shape`: sizes, the slowest first; none for a single number, and any may be 0
/// - `data`: its bytes in the mapped file, at any address: the format aligns nothing
/// - `offset`: of its description in `file`, for messages
public record StoredTensor(
        String name, SafetensorsType type, long[] shape, MemorySegment data, Path file, long offset) {
    /// Elements; {@link SafetensorsHeader} has checked that they fit.
    public long elements() {
        long elements = 1;
        for (long size : shape) {
            elements *= size;
        }
        return elements;
    }

    /// Whether it is a matrix `[rows, columns]`; a vector is one with a single row.
    boolean is(long rows, long columns) {
        return switch (shape.length) {
            case 1 -> rows == 1 && shape[0] == columns;
            case 2 -> shape[0] == rows && shape[1] == columns;
            default -> false;
        };
    }

    /// The type, for a weight; another one is refused by its name.
    TensorType weightType() {
        return type.tensorType()
                .orElseThrow(() ->
                        refusal("weights must be F32, F16 or BF16", "tensor=" + printableName() + ", dtype=" + type));
    }

    /// As it is stored, under another name; {@link #is} has been asked.
    Tensor as(String name, long rows, long columns) {
        return new Tensor(name, weightType(), rows, columns, data);
    }

    String printableName() {
        return GgufCursor.printable(name);
    }

    ModelFileException refusal(String whatMustHold, String values) {
        return new ModelFileException(whatMustHold + ": " + values + ", file=" + file + ", offset=" + offset);
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof StoredTensor that
                && name.equals(that.name)
                && type == that.type
                && Arrays.equals(shape, that.shape)
                && file.equals(that.file)
                && offset == that.offset;
    }

    @Override
    public int hashCode() {
        return name.hashCode();
    }
}
