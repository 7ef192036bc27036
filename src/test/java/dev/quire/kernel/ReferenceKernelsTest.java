package dev.quire.kernel;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The parts of the definition against their formulas, and what it refuses. Whole models are held against Hugging Face
/// Transformers elsewhere.
class ReferenceKernelsTest {
    private static final double ULP = 0x1p-24;

    @Test
    void rmsNorm_row_followsItsFormula() {
        float[] in = {9, 3, -4, 0, 5};
        float[] out = new float[6];
        Norm.RMS.apply(in, 1, new float[] {1, 2, 3, 4}, new float[0], 0.5f, out, 2);
        double scale = 1 / Math.sqrt((9 + 16 + 25) / 4.0 + 0.5);
        for (int i = 0; i < 4; i++) {
            assertEquals(in[1 + i] * scale * (i + 1), out[2 + i], 20 * 4 * ULP);
        }
    }

    @Test
    void layerNorm_row_followsItsFormula() {
        float[] in = {3, -4, 0, 5};
        double variance = (4 + 25 + 1 + 16) / 4.0;
        float[] bias = {7, 0, -7, 1};
        float[] out = new float[4];
        Norm.LAYER.apply(in, 0, new float[] {1, 2, 3, 4}, bias, 0.25f, out, 0);
        for (int i = 0; i < 4; i++) {
            double expected = (in[i] - 1) / Math.sqrt(variance + 0.25) * (i + 1) + bias[i];
            assertEquals(expected, out[i], 20 * 4 * ULP);
        }
    }

    /// Values of PyTorch's `gelu(x, approximate='tanh')` and `silu(x)` in double precision.
    @ParameterizedTest
    @CsvSource({
        "GELU, 9, 1, 0.8411919906082768",
        "GELU, 9, -1, -0.15880800939172324",
        "GELU, 9, -4, -0.00007024594819227126",
        "GATED_GELU, 1, 2, 1.6823839812165537",
        "GATED_SILU, 1, 2, 1.4621171572600098",
        "GATED_SILU, -3, -1, 0.14227761953270035"
    })
    void activation_ofGateAndUp_followsItsFormula(Activation activation, float gate, float up, double expected) {
        assertEquals(expected, activation.of(gate, up), Math.abs(expected) * 1e-6);
    }

    /// Rows come from the reader, never from the tensor's own memory, and more than are read at a time.
    @Test
    void floatMatrix_ofManyRows_isWhatTheReaderGives() {
        int rows = 150_001;
        float[] values = new float[2 * rows];
        for (int i = 0; i < values.length; i++) {
            values[i] = i;
        }
        var memory = MemorySegment.ofArray(new float[2 * rows]);
        var unread = new Tensor("a", TensorType.F32, rows, 2, memory);
        var given = MemorySegment.ofArray(values);
        FloatMatrix matrix = FloatMatrix.of(unread, ActivationRounding.NONE, some -> {
            long offset = some.data().address() - memory.address();
            return new Tensor(
                    "a",
                    TensorType.F32,
                    some.rows(),
                    2,
                    given.asSlice(offset, some.data().byteSize()));
        });
        for (int row = 0; row < rows; row++) {
            assertEquals(2 * row, matrix.at(row, 0));
            assertEquals(2 * row + 1, matrix.at(row, 1));
        }
    }

    @Test
    void rotation_pairsOfBothOrders_turnByTheirAngles() {
        float[] frequencies = {1, 0.25f};
        for (Rope.Pairs pairs : Rope.Pairs.values()) {
            Rotation rotation = new Rotation(new Rope(pairs, frequencies, 2), 3);
            rotation.place(2, 1000);
            float[] data = {9, 1, 2, 3, 4, 8}; // one element before the head, one behind its rotated part
            rotation.turn(2, data, 1);
            boolean adjacent = pairs == Rope.Pairs.ADJACENT;
            for (int i = 0; i < 2; i++) {
                int first = adjacent ? 2 * i : i;
                int second = adjacent ? first + 1 : i + 2;
                double angle = 1000 * (i == 0 ? 1 : 0.25);
                double x = first + 1;
                double y = second + 1;
                assertEquals(2 * (x * Math.cos(angle) - y * Math.sin(angle)), data[1 + first], 2e-6);
                assertEquals(2 * (x * Math.sin(angle) + y * Math.cos(angle)), data[1 + second], 2e-6);
            }
            assertArrayEquals(new float[] {9, 8}, new float[] {data[0], data[5]});
        }
    }

    private static final ModelShape SHAPE = new ModelShape(
            4,
            6,
            5,
            2,
            1,
            2,
            32,
            Norm.RMS,
            1e-5f,
            Activation.GELU,
            1,
            1,
            List.of(),
            Collections.nCopies(1, new LayerShape(3, LayerShape.NO_ROPE)));

    private static final int NONE = LayerWeights.NONE;

    private final ReferenceKernels kernels = new ReferenceKernels(SHAPE, new BatchLimits(4, 1, 1, 2, 1, 1));

    private int weight(int rows, int columns) {
        float[] zeros = new float[rows * columns];
        return kernels.weight(new Tensor("w", TensorType.F32, rows, columns, MemorySegment.ofArray(zeros)));
    }

    private void bind(int query, int gate, int normBias, int positions) {
        LayerWeights layer = new LayerWeights(
                weight(1, 4),
                normBias,
                query,
                NONE,
                weight(2, 4),
                NONE,
                weight(2, 4),
                NONE,
                NONE,
                NONE,
                weight(4, 4),
                NONE,
                NONE,
                weight(1, 4),
                NONE,
                gate,
                NONE,
                weight(6, 4),
                NONE,
                weight(4, 6),
                NONE,
                NONE);
        int embedding = weight(5, 4);
        kernels.bind(new LayerWeights[] {layer}, new ModelWeights(embedding, positions, weight(1, 4), NONE, embedding));
    }

    private void refuses(String message, Runnable call) {
        assertEquals(
                message, assertThrows(IllegalArgumentException.class, call::run).getMessage());
    }

    @Test
    void bind_weightsThatDoNotFit_areRefused() {
        bind(weight(4, 4), NONE, NONE, weight(32, 4));
        bind(weight(4, 4), NONE, NONE, weight(33, 4));
        refuses("weight must be registered: place=layer 0, weight=query, id=-1", () -> bind(NONE, NONE, NONE, NONE));
        refuses(
                "weight must have the model's shape: place=layer 0, weight=query, rows=3, expected=4, columns=4,"
                        + " expected=4",
                () -> bind(weight(3, 4), NONE, NONE, NONE));
        refuses(
                "weight must have the model's shape: place=model, weight=positionEmbedding, rows=31, expected=32,"
                        + " columns=4, expected=4",
                () -> bind(weight(4, 4), NONE, NONE, weight(31, 4)));
        var gate = assertThrows(IllegalArgumentException.class, () -> bind(weight(4, 4), weight(6, 4), NONE, NONE));
        assertEquals(
                "gate must be absent where the activation has none: place=layer 0, id=",
                gate.getMessage().replaceFirst("id=.*", "id="));
        var bias = assertThrows(IllegalArgumentException.class, () -> bind(weight(4, 4), NONE, weight(1, 4), NONE));
        assertEquals(
                "a norm's bias needs a layer norm: place=layer 0, weight=attentionNormBias, id=",
                bias.getMessage().replaceFirst("id=.*", "id="));
        refuses(
                "layers must be the model's: layers=0, expected=1",
                () -> kernels.bind(new LayerWeights[0], new ModelWeights(0, NONE, 0, NONE, 0)));
    }
}
