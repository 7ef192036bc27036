package dev.quire.tensor;

import java.lang.foreign.MemorySegment;

/// A stored matrix `[rows, columns]`, or a vector with `rows` = 1: row-major, little-endian, in `data`, which may be a
/// mapped file and is never written.
public record Tensor(String name, TensorType type, long rows, long columns, MemorySegment data) {
    public Tensor {
        if (rows <= 0 || columns <= 0) {
            throw new IllegalArgumentException(
                    "tensor must not be empty: tensor=" + name + ", rows=" + rows + ", columns=" + columns);
        }
        long bytes = Math.multiplyExact(rows, type.rowBytes(columns));
        if (data.byteSize() != bytes) {
            throw new IllegalArgumentException("tensor data has an unexpected size: tensor=" + name + ", expected="
                    + bytes + ", found=" + data.byteSize());
        }
    }

    public long elements() {
        return rows * columns;
    }

    /// Rows `from … from + count - 1`, as a view of the same memory.
    public Tensor rows(long from, long count) {
        if (from < 0 || count <= 0 || from > rows - count) {
            throw new IllegalArgumentException("rows must be the tensor's: tensor=" + name + ", from=" + from
                    + ", count=" + count + ", rows=" + this.rows);
        }
        long rowBytes = type.rowBytes(columns);
        return new Tensor(
                name + "[" + from + ", " + (from + count) + ")",
                type,
                count,
                columns,
                data.asSlice(from * rowBytes, count * rowBytes));
    }
}
