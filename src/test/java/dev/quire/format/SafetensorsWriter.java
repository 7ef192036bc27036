package dev.quire.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.LongStream;

/// Writes small safetensors files for tests. It checks nothing: wrong files are what it is for.
final class SafetensorsWriter {
    private final List<String> entries = new ArrayList<>();
    private final ByteArrayOutputStream data = new ByteArrayOutputStream();
    private String padding = "";

    /// A tensor whose data follows what is there.
    SafetensorsWriter tensor(String name, String dtype, byte[] bytes, long... shape) {
        long begin = data.size();
        data.writeBytes(bytes);
        return entry(name, dtype, begin, data.size(), shape);
    }

    SafetensorsWriter floats(String name, float[] values, long... shape) {
        var bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
        for (float value : values) {
            bytes.putFloat(value);
        }
        return tensor(name, "F32", bytes.array(), shape);
    }

    /// A description without data.
    SafetensorsWriter entry(String name, String dtype, long begin, long end, long... shape) {
        String sizes = LongStream.of(shape).mapToObj(Long::toString).collect(Collectors.joining(","));
        return raw("\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                .formatted(name, dtype, sizes, begin, end));
    }

    /// A name with its value, as JSON.
    SafetensorsWriter raw(String json) {
        entries.add(json);
        return this;
    }

    SafetensorsWriter data(byte[] bytes) {
        data.writeBytes(bytes);
        return this;
    }

    /// What follows the header's object and counts to its length.
    SafetensorsWriter padding(String padding) {
        this.padding = padding;
        return this;
    }

    byte[] bytes() {
        return bytes("{" + String.join(",", entries) + "}" + padding, data.toByteArray());
    }

    static byte[] bytes(String header, byte[] data) {
        return bytes(header.getBytes(StandardCharsets.UTF_8), data);
    }

    static byte[] bytes(byte[] header, byte[] data) {
        return withLength(header.length, header, data);
    }

    static byte[] withLength(long length, byte[] header, byte[] data) {
        return ByteBuffer.allocate(8 + header.length + data.length)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(length)
                .put(header)
                .put(data)
                .array();
    }
}
