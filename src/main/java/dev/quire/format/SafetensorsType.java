package dev.quire.format;

import dev.quire.tensor.TensorType;
import java.util.Optional;

/// Element type of a tensor in a safetensors file, by the name that the header uses.
public enum SafetensorsType {
    BOOL(8),
    F4(4),
    F6_E2M3(6),
    F6_E3M2(6),
    U8(8),
    I8(8),
    F8_E5M2(8),
    F8_E4M3(8),
    F8_E8M0(8),
    F8_E4M3FNUZ(8),
    F8_E5M2FNUZ(8),
    I16(16),
    U16(16),
    F16(16),
    BF16(16),
    I32(32),
    U32(32),
    F32(32),
    C64(64),
    F64(64),
    I64(64),
    U64(64);

    private final int bits;

    SafetensorsType(int bits) {
        this.bits = bits;
    }

    /// Bits of one element; those that are no whole byte are packed without gaps.
    public int bits() {
        return bits;
    }

    /// The same type as a weight's, where weights may have it.
    public Optional<TensorType> tensorType() {
        return switch (this) {
            case F32 -> Optional.of(TensorType.F32);
            case F16 -> Optional.of(TensorType.F16);
            case BF16 -> Optional.of(TensorType.BF16);
            default -> Optional.empty();
        };
    }

    static Optional<SafetensorsType> of(String name) {
        for (SafetensorsType type : values()) {
            if (type.name().equals(name)) {
                return Optional.of(type);
            }
        }
        return Optional.empty();
    }
}
