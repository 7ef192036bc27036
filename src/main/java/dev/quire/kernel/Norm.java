package dev.quire.kernel;

/// How the residual stream is normalised before a product.
public enum Norm {
    /// x / sqrt(mean(x²) + epsilon) · weight (Zhang and Sennrich, 2019).
    RMS,
    /// (x - mean(x)) / sqrt(variance(x) + epsilon) · weight + bias (Ba et al., 2016).
    LAYER;

    /// Normalises `weight.length` elements from `in[from]` on into `out[to]` and following; `bias` may be empty.
    void apply(float[] in, int from, float[] weight, float[] bias, float epsilon, float[] out, int to) {
        int count = weight.length;
        float mean = this == RMS ? 0 : mean(in, from, count);
        float squares = 0;
        for (int i = 0; i < count; i++) {
            float centred = in[from + i] - mean;
            squares += centred * centred;
        }
        float scale = (float) (1 / Math.sqrt(squares / count + epsilon));
        for (int i = 0; i < count; i++) {
            float normed = (in[from + i] - mean) * scale * weight[i];
            out[to + i] = bias.length == 0 ? normed : normed + bias[i];
        }
    }

    private static float mean(float[] in, int from, int count) {
        float sum = 0;
        for (int i = 0; i < count; i++) {
            sum += in[from + i];
        }
        return sum / count;
    }
}
