package dev.quire.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.TensorType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFileTest {
    @TempDir
    Path folder;

    private SafetensorsFile open(byte[] bytes, OpenFiles files) throws IOException {
        return SafetensorsFile.open(Files.write(folder.resolve("model.safetensors"), bytes), files);
    }

    /// With one blank more or less, the numbers lie at an odd address.
    @ParameterizedTest
    @ValueSource(strings = {"", " "})
    void open_goodFile_hasItsTensorsInTheOrderOfTheirData(String padding) throws IOException {
        byte[] bytes = new SafetensorsWriter()
                .entry("b", "F32", 3, 11, 2)
                .entry("a", "U8", 0, 3, 3)
                .data(new byte[] {1, 2, 3, 0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40})
                .padding(padding)
                .bytes();
        try (var files = new OpenFiles()) {
            SafetensorsFile file = open(bytes, files);
            assertEquals(
                    List.of("a", "b"),
                    file.tensors().stream().map(StoredTensor::name).toList());
            assertEquals(bytes.length, file.bytes());
            StoredTensor b = file.tensors().get(1);
            assertArrayEquals(new long[] {2}, b.shape());
            assertEquals(2, b.elements());
            float[] values = new float[2];
            Dequantizer.readRow(b.as("b", 1, 2), 0, values);
            assertArrayEquals(new float[] {1, 2}, values);
        }
    }

    @Test
    void open_everythingThatTheFormatAllows_opens() throws IOException {
        byte[] bytes = new SafetensorsWriter()
                .raw("\"__metadata__\":{\"a\":\"b\"}")
                .tensor("scalar", "F32", new byte[4])
                .tensor("empty", "F32", new byte[0], 3, 0)
                .tensor("five", "F64", new byte[8], 1, 1, 1, 1, 1)
                .raw("\"more\":{\"later\":[{\"x\":1.5e3}],\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[12,20]}")
                .data(new byte[8])
                .padding(" \n\t ")
                .bytes();
        try (var files = new OpenFiles()) {
            assertEquals(4, open(bytes, files).tensors().size());
        }
        try (var files = new OpenFiles()) {
            assertEquals(
                    0,
                    open(SafetensorsWriter.bytes("{}", new byte[0]), files)
                            .tensors()
                            .size());
        }
    }

    @ParameterizedTest
    @EnumSource(SafetensorsType.class)
    void weightType_notAFloat_isRefusedByName(SafetensorsType type) throws IOException {
        byte[] bytes = new SafetensorsWriter()
                .tensor("w", type.name(), new byte[type.bits()], 8)
                .bytes();
        try (var files = new OpenFiles()) {
            StoredTensor tensor = open(bytes, files).tensors().getFirst();
            Optional<TensorType> weight = type.tensorType();
            if (weight.isPresent()) {
                assertEquals(weight.get(), tensor.weightType());
            } else {
                var e = assertThrows(ModelFileException.class, tensor::weightType);
                assertEquals(
                        "weights must be F32, F16 or BF16: tensor=w, dtype=" + type + ", file="
                                + folder.resolve("model.safetensors") + ", offset=9",
                        e.getMessage());
            }
        }
    }

    @Test
    void open_100000Tensors_opens() throws IOException {
        var writer = new SafetensorsWriter();
        for (int i = 0; i < 100_000; i++) {
            writer.tensor("model.layers." + i / 100 + ".mlp.experts." + i % 100 + ".weight", "U8", new byte[2], 2);
        }
        try (var files = new OpenFiles()) {
            assertEquals(100_000, open(writer.bytes(), files).tensors().size());
        }
    }

    @Test
    void open_moreTensorsThanTheBound_isRefused() throws IOException {
        var text = new StringBuilder("{");
        for (int i = 0; i <= SafetensorsHeader.MAX_TENSORS; i++) {
            text.append(i == 0 ? "" : ",").append("\"").append(i);
            text.append("\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}");
        }
        byte[] bytes = SafetensorsWriter.bytes(text.append('}').toString(), new byte[0]);
        try (var files = new OpenFiles()) {
            var e = assertThrows(ModelFileException.class, () -> open(bytes, files));
            assertTrue(
                    e.getMessage()
                            .startsWith("header must not exceed its bound of tensors: tensor=262144, bound=262144"),
                    e.getMessage());
        }
    }
}
