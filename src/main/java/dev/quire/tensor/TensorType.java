package dev.quire.tensor;

/// Element type of a stored tensor, as GGUF numbers them (`ggml_type`). A quantised type stores runs of
/// `blockElements` consecutive elements of a row in `blockBytes` bytes.
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    /// 32 elements: f16 scale, f16 minimum, 16 bytes of nibbles (element i in the low, i + 16 in the high half).
    Q4_1(3, 32, 20),
    /// 32 elements: f16 scale, 32 signed bytes.
    Q8_0(8, 32, 34);

    private final int id;
    private final int blockElements;
    private final int blockBytes;

    TensorType(int id, int blockElements, int blockBytes) {
        this.id = id;
        this.blockElements = blockElements;
        this.blockBytes = blockBytes;
    }

    /// The number that GGUF files and `quire_kernels.h` use.
    public int id() {
        return id;
    }

    /// Elements that are stored together; a row's length is a multiple of it.
    public int blockElements() {
        return blockElements;
    }

    public int blockBytes() {
        return blockBytes;
    }

    /// Bytes of a row of `elements`, which must be a multiple of `blockElements`.
    public long rowBytes(long elements) {
        if (elements < 0 || elements % blockElements != 0) {
            throw new IllegalArgumentException("row length must be a multiple of the type's block: type=" + this
                    + ", elements=" + elements + ", blockElements=" + blockElements);
        }
        return Math.multiplyExact(elements / blockElements, (long) blockBytes);
    }
}
