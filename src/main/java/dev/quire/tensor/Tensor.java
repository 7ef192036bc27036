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
}
