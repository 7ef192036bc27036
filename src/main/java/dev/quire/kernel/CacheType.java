package dev.quire.kernel;

import java.util.Locale;

/// How the cache keeps keys and values, and what rounding that means. The numbers that queries are multiplied as
/// belong to it: with a cache of eight bits, sixteen of a query are enough.
public enum CacheType {
    /// What the backend thinks best.
    AUTO,
    /// 32 bits: the reference's own.
    F32,
    /// 11 bits of a mantissa, magnitudes to 65,504, products in float32.
    F16,
    /// 8 bits of a mantissa, float32's range but for magnitudes below 2⁻⁵⁶, which are 0; queries and weights too.
    BF16,
    /// A signed byte times a scale for each token and head, keys and values apart.
    INT8;

    private static final float LEAST_BFLOAT = 0x1p-56f;
    private static final int BYTE_STEPS = 127;

    /// The type that `quire.cache.type` names: `auto`, `bf16`, `f16` or `int8`.
    public static CacheType of(String setting) {
        return switch (setting.strip().toLowerCase(Locale.ROOT)) {
            case "auto" -> AUTO;
            case "bf16" -> BF16;
            case "f16" -> F16;
            case "int8" -> INT8;
            default ->
                throw new IllegalArgumentException(
                        "quire.cache.type must be auto, bf16, f16 or int8: quire.cache.type=" + setting);
        };
    }

    /// The name that settings and answers use.
    public String label() {
        return name().toLowerCase(Locale.ROOT);
    }

    /// Rounds one head of a key or value, elements `[at, at + count)`, to what a cache of this type gives back.
    void round(float[] data, int at, int count) {
        float scale = this == INT8 ? byteScale(data, at, count) : 1;
        for (int i = at; i < at + count; i++) {
            data[i] = switch (this) {
                case AUTO, F32 -> data[i];
                case F16 -> Float.float16ToFloat(Float.floatToFloat16(Math.clamp(data[i], -65504f, 65504f)));
                case BF16 -> bfloat(data[i]);
                case INT8 -> scale == 0 ? 0 : (float) Math.rint(data[i] / scale) * scale;
            };
        }
    }

    /// The largest magnitude's 127th part, rounded up to the next bfloat16.
    private static float byteScale(float[] data, int at, int count) {
        float largest = 0;
        for (int i = at; i < at + count; i++) {
            largest = Math.max(largest, Math.abs(data[i]));
        }
        int bits = Float.floatToRawIntBits(largest / BYTE_STEPS);
        return Float.intBitsToFloat((bits + 0xFFFF) & 0xFFFF0000);
    }

    /// To the nearest bfloat16, ties to even.
    private static float bfloat(float value) {
        if (Float.isNaN(value) || Math.abs(value) < LEAST_BFLOAT) {
            return Float.isNaN(value) ? value : 0;
        }
        int bits = Float.floatToRawIntBits(value);
        return Float.intBitsToFloat((bits + 0x7FFF + (bits >>> 16 & 1)) & 0xFFFF0000);
    }
}
