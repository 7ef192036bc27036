package dev.quire.model;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.kernel.Rope;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import java.util.Arrays;
import java.util.Optional;

/// The rotary embeddings of a model: what the metadata and three small tensors say of them, worked out once into
/// frequencies and a magnitude.
///
/// Keys, after `rope.scaling.`:
///
/// | key | meaning, default |
/// |---|---|
/// | `type` | `none`, `linear`, `yarn`, `longrope`; absent: `longrope` where there are its tensors, else `linear` |
/// | `factor` | how much the context was stretched (older: `rope.scale_linear`); absent or 0: 1 |
/// | `original_context_length` | before it was stretched; absent: `context_length` |
/// | `attn_factor` | multiplies the magnitude; absent: 1, with `longrope` worked out from the two lengths |
/// | `yarn_attn_factor` | the magnitude of YaRN; absent or 0: `0.1 ln(factor) + 1` |
/// | `yarn_beta_fast`, `yarn_beta_slow` | rotations between which YaRN passes over; 32, 1 |
///
/// Tensors `[1, dimensions / 2]` that divide the frequencies: `rope_freqs.weight` (Llama 3), and for LongRoPE
/// `rope_factors_long.weight` and `rope_factors_short.weight`.
///
/// Sources: linear (Chen et al., 2023), YaRN (Peng et al., 2023), LongRoPE (Ding et al., 2024); rounding and defaults
/// are those of Hugging Face Transformers' `modeling_rope_utils`.
final class RopeReader {
    static final String FREQUENCY_FACTORS = "rope_freqs.weight";
    static final String LONG_FACTORS = "rope_factors_long.weight";
    static final String SHORT_FACTORS = "rope_factors_short.weight";

    private static final double BASE = 10_000;
    private static final double GEMMA3_GLOBAL_BASE = 1_000_000;

    private final Architecture architecture;
    private final ModelFile file;
    private final ModelMetadata metadata;
    private final Rope.Pairs pairs;
    private final int dim;

    RopeReader(Architecture architecture, ModelFile file, int headDim) {
        this.architecture = architecture;
        this.file = file;
        this.metadata = file.metadata();
        this.pairs = pairs();
        this.dim = metadata.integer(architecture.key("rope.dimension_count"), headDim);
        if (dim < 2 || dim > headDim || dim % 2 != 0) {
            throw refusal("rope.dimension_count", "even, 2 to the key length, " + headDim, Integer.toString(dim));
        }
        int local = metadata.integer(architecture.key("rope.dimension_count_swa"), dim);
        if (local != dim) {
            throw refusal("rope.dimension_count_swa", Integer.toString(dim), Integer.toString(local));
        }
    }

    /// The rope of layers that see the whole context, and of windowed ones that have none of their own.
    ///
    /// LongRoPE has two sets of factors, for contexts up to the original length and beyond. `contextLength`, the
    /// most that this process may see, chooses once: Transformers switches when a sequence grows past the length,
    /// which would leave keys of both kinds in one cache (docs/adr/0007).
    Rope global(int contextLength) {
        boolean local = architecture.has(Architecture.Trait.LOCAL_LAYERS);
        double base = base("rope.freq_base", local ? GEMMA3_GLOBAL_BASE : BASE);
        double[] frequencies = frequencies(base);
        Optional<Tensor> factors = file.find(FREQUENCY_FACTORS);
        if (factors.isPresent()) {
            divide(frequencies, factors.get());
        }
        String type = type();
        double magnitude =
                switch (type) {
                    case "none" -> attentionFactor(1);
                    case "linear" -> linear(frequencies);
                    case "yarn" -> yarn(frequencies, base);
                    case "longrope" -> longRope(frequencies, contextLength);
                    default -> throw refusal("rope.scaling.type", "none, linear, yarn or longrope", type);
                };
        return rope(frequencies, magnitude);
    }

    /// The rope of windowed layers where they have their own, which is never scaled.
    Rope local() {
        return rope(frequencies(base("rope.freq_base_swa", BASE)), 1);
    }

    private String type() {
        boolean longRope =
                file.find(LONG_FACTORS).isPresent() || file.find(SHORT_FACTORS).isPresent();
        String type = metadata.string(key("type"), longRope ? "longrope" : "linear");
        if (longRope && !type.equals("longrope")) {
            throw refusal("rope.scaling.type", "longrope, for there is " + LONG_FACTORS, type);
        }
        return type;
    }

    private double linear(double[] frequencies) {
        double factor = factor();
        for (int i = 0; i < frequencies.length; i++) {
            frequencies[i] /= factor;
        }
        return attentionFactor(1);
    }

    /// Pairs that turn often within the original length keep their frequency, those that turn less than
    /// `yarn_beta_slow` times are stretched, and a ramp lies between (Peng et al., 2023, section 3.2).
    private double yarn(double[] frequencies, double base) {
        double factor = factor();
        double low = Math.max(0, Math.floor(pairTurning(number("yarn_beta_fast", 32), base)));
        double high = Math.min(dim - 1, Math.ceil(pairTurning(number("yarn_beta_slow", 1), base)));
        double width = low == high ? 0.001 : high - low; // no division by zero
        for (int i = 0; i < frequencies.length; i++) {
            double stretched = Math.clamp((i - low) / width, 0.0, 1.0);
            frequencies[i] = frequencies[i] / factor * stretched + frequencies[i] * (1 - stretched);
        }
        return attentionFactor(1) * number("yarn_attn_factor", factor <= 1 ? 1 : 0.1 * Math.log(factor) + 1);
    }

    /// The pair, as a fraction, that makes `turns` rotations within the original length.
    private double pairTurning(double turns, double base) {
        return dim * Math.log(originalLength() / (turns * 2 * Math.PI)) / (2 * Math.log(base));
    }

    private double longRope(double[] frequencies, int contextLength) {
        if (file.find(FREQUENCY_FACTORS).isPresent()) {
            throw new ModelFileException("frequencies must be divided by one tensor: tensor=" + FREQUENCY_FACTORS
                    + ", tensor=" + LONG_FACTORS + ", file=" + file.path());
        }
        Tensor longFactors = file.tensor(LONG_FACTORS);
        Tensor shortFactors = file.tensor(SHORT_FACTORS);
        double original = originalLength();
        divide(frequencies, contextLength > original ? longFactors : shortFactors);
        double factor = number("factor", metadata.integer(architecture.key("context_length")) / original);
        return attentionFactor(factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original)));
    }

    private void divide(double[] frequencies, Tensor factors) {
        if (factors.rows() != 1 || factors.columns() != frequencies.length) {
            throw WeightBinder.unexpectedShape(factors, 1, frequencies.length, file.path());
        }
        float[] values = new float[frequencies.length];
        Dequantizer.readRow(file.read(factors), 0, values);
        for (int i = 0; i < frequencies.length; i++) {
            if (!(values[i] > 0) || Float.isInfinite(values[i])) {
                throw new ModelFileException("tensor must hold positive numbers: tensor=" + factors.name()
                        + ", element=" + i + ", found=" + values[i] + ", file=" + file.path());
            }
            frequencies[i] /= values[i];
        }
    }

    private double[] frequencies(double base) {
        double[] frequencies = new double[dim / 2];
        Arrays.setAll(frequencies, i -> Math.pow(base, -2.0 * i / dim));
        return frequencies;
    }

    private Rope rope(double[] frequencies, double magnitude) {
        float[] rounded = new float[frequencies.length];
        for (int i = 0; i < rounded.length; i++) {
            rounded[i] = (float) frequencies[i];
        }
        return new Rope(pairs, rounded, (float) magnitude);
    }

    private Rope.Pairs pairs() {
        String otherwise = architecture.pairs() == Rope.Pairs.HALVES ? "halves" : "adjacent";
        String found = metadata.string("quire.rope.pairs", otherwise);
        return switch (found) {
            case "halves" -> Rope.Pairs.HALVES;
            case "adjacent" -> Rope.Pairs.ADJACENT;
            default ->
                throw new ModelFileException("metadata value is not usable: key=quire.rope.pairs, expected=halves or "
                        + "adjacent, found=" + found + ", file=" + metadata.file());
        };
    }

    private double base(String name, double otherwise) {
        double base = metadata.number(architecture.key(name), otherwise);
        if (!(base > 1) || Double.isInfinite(base)) {
            throw refusal(name, "a number above 1", Double.toString(base));
        }
        return base;
    }

    private double factor() {
        double older = metadata.number(architecture.key("rope.scale_linear"), 1);
        return number("factor", older == 0 ? 1 : older);
    }

    private double originalLength() {
        return number("original_context_length", metadata.integer(architecture.key("context_length")));
    }

    private double attentionFactor(double otherwise) {
        return number("attn_factor", otherwise);
    }

    /// A positive number, or `otherwise` where it is absent or 0.
    private double number(String name, double otherwise) {
        double value = metadata.number(key(name), 0);
        if (!(value >= 0) || Double.isInfinite(value)) {
            throw refusal("rope.scaling." + name, "a positive number", Double.toString(value));
        }
        return value == 0 ? otherwise : value;
    }

    private String key(String name) {
        return architecture.key("rope.scaling." + name);
    }

    private ModelFileException refusal(String name, String expected, String found) {
        return new ModelFileException("metadata value is not usable: key=" + architecture.key(name) + ", expected="
                + expected + ", found=" + found + ", file=" + metadata.file());
    }
}
