package dev.quire.tensor;

/// Element type of a stored tensor, as GGUF numbers them (`ggml_type`). A quantised type stores runs of
/// `blockElements` consecutive elements of a row in `blockBytes` bytes.
///
/// Blocks are described in the order of their bytes; `d` and `m` are f16, little-endian. *Nibbles of 32*: 16 bytes,
/// element i in the low half of byte i, element i + 16 in its high half. *Bits of 32*: 4 bytes, element i in bit i.
public enum TensorType {
    F32(0, 1, 4),
    F16(1, 1, 2),
    /// `(q - 8) · d`: d, nibbles of 32.
    Q4_0(2, 32, 18),
    /// `q · d + m`: d, m, nibbles of 32.
    Q4_1(3, 32, 20),
    /// `(q - 16) · d`: d, bits of 32 (the fifth of each q), nibbles of 32.
    Q5_0(6, 32, 22),
    /// `q · d + m`: d, m, bits of 32 (the fifth of each q), nibbles of 32.
    Q5_1(7, 32, 24),
    /// `q · d`: d, 32 signed bytes.
    Q8_0(8, 32, 34),
    /// `q · (d · s) - dmin · t`, s and t per 16: 16 bytes (s low, t high half), 64 bytes of two bits, d, dmin. Byte
    /// j of each half of those 64 bytes holds elements j, j + 32, j + 64, j + 96 of a half of the block, from its
    /// lowest bits.
    Q2_K(10, 256, 84),
    /// `q · (d · (s - 32))`, s per 16: 32 bytes whose bit i is set in byte j unless 4 is to be subtracted from
    /// element 32 i + j, 64 bytes of two bits as in Q2_K, 12 bytes of 6-bit s (eight of low halves: s 0 … 7 low, 8
    /// … 15 high; then four: two bits each for s j, j + 4, j + 8, j + 12), d.
    Q3_K(11, 256, 110),
    /// `q · (d · s) - dmin · t`, s and t per 32: d, dmin, 12 bytes of 6-bit s and t ({@link KQuants} has their
    /// places), 128 bytes of nibbles: byte j of each run of 32 holds elements j (low) and j + 32 (high) of a
    /// quarter.
    Q4_K(12, 256, 144),
    /// Q4_K with a fifth bit: d, dmin, 12 bytes, 32 bytes whose bit i in byte j is element 32 i + j's, 128 bytes.
    Q5_K(13, 256, 176),
    /// `(q - 32) · (d · s)`, s per 16: 128 bytes of nibbles (byte j of each half: elements j low and j + 64 high of
    /// a half of the block), 64 bytes of two higher bits as in Q2_K, 16 signed bytes s, d.
    Q6_K(14, 256, 210),
    /// `table[q] · d` with 16 signed bytes as table: d, nibbles of 32.
    IQ4_NL(20, 32, 18),
    /// The upper half of a float32.
    BF16(30, 1, 2),
    /// `table[q] · 2^(e - 128)`: byte e, nibbles of 32. The table holds the doubled values of e2m1, the four-bit
    /// float of the Open Compute Project's Microscaling Formats 1.0; e is its e8m0 scale, with 127 as zero.
    MXFP4(39, 32, 17);

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
