package dev.quire.format;

import dev.quire.tensor.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/// Writes small GGUF files for tests, version 3 unless told otherwise. It checks nothing: wrong files are what it is
/// for.
///
/// Nothing is written behind the last tensor, so every byte of a file counts.
public final class GgufWriter {
    private record Description(String name, int type, long[] sizes, byte[] data, Long offset) {}

    private final Bytes pairs = new Bytes();
    private final List<Description> tensors = new ArrayList<>();
    private int keys;
    private int version = 3;
    private int alignment = 32;

    /// Little-endian output.
    private static final class Bytes {
        private final ByteArrayOutputStream out = new ByteArrayOutputStream();

        Bytes number(long value, int size) {
            byte[] all = ByteBuffer.allocate(8)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(value)
                    .array();
            out.write(all, 0, size);
            return this;
        }

        Bytes text(String text) {
            byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
            number(encoded.length, 8);
            return raw(encoded);
        }

        Bytes raw(byte[] bytes) {
            out.writeBytes(bytes);
            return this;
        }
    }

    public GgufWriter version(int version) {
        this.version = version;
        return this;
    }

    /// The alignment that tensors are laid out with; a value other than 32 also needs the key `general.alignment`.
    public GgufWriter alignment(int alignment) {
        this.alignment = alignment;
        return this;
    }

    public GgufWriter uint8(String key, int value) {
        return pair(key, 0).number(value, 1);
    }

    public GgufWriter int8(String key, int value) {
        return pair(key, 1).number(value, 1);
    }

    public GgufWriter uint16(String key, int value) {
        return pair(key, 2).number(value, 2);
    }

    public GgufWriter int16(String key, int value) {
        return pair(key, 3).number(value, 2);
    }

    public GgufWriter uint32(String key, long value) {
        return pair(key, 4).number(value, 4);
    }

    public GgufWriter int32(String key, int value) {
        return pair(key, 5).number(value, 4);
    }

    public GgufWriter float32(String key, float value) {
        return pair(key, 6).number(Float.floatToIntBits(value), 4);
    }

    public GgufWriter bool(String key, boolean value) {
        return pair(key, 7).number(value ? 1 : 0, 1);
    }

    public GgufWriter string(String key, String value) {
        pair(key, 8);
        pairs.text(value);
        return this;
    }

    public GgufWriter uint64(String key, long value) {
        return pair(key, 10).number(value, 8);
    }

    public GgufWriter int64(String key, long value) {
        return pair(key, 11).number(value, 8);
    }

    public GgufWriter float64(String key, double value) {
        return pair(key, 12).number(Double.doubleToLongBits(value), 8);
    }

    public GgufWriter strings(String key, String... values) {
        array(key, 8, values.length);
        for (String value : values) {
            pairs.text(value);
        }
        return this;
    }

    public GgufWriter int32s(String key, int... values) {
        array(key, 5, values.length);
        for (int value : values) {
            number(value, 4);
        }
        return this;
    }

    /// An array of unsigned bytes.
    public GgufWriter uint8s(String key, int... values) {
        array(key, 0, values.length);
        for (int value : values) {
            number(value, 1);
        }
        return this;
    }

    public GgufWriter float32s(String key, float... values) {
        array(key, 6, values.length);
        for (float value : values) {
            number(Float.floatToIntBits(value), 4);
        }
        return this;
    }

    public GgufWriter bools(String key, boolean... values) {
        array(key, 7, values.length);
        for (boolean value : values) {
            number(value ? 1 : 0, 1);
        }
        return this;
    }

    /// A key whose type number and value bytes are given, however wrong.
    public GgufWriter raw(String key, int type, byte... value) {
        pair(key, type);
        pairs.raw(value);
        return this;
    }

    /// A tensor; `sizes` as in GGUF, the row length first.
    public GgufWriter tensor(String name, TensorType type, byte[] data, long... sizes) {
        return tensor(name, type.id(), data, null, sizes);
    }

    /// A tensor with any type number, at `offset` from the start of the data, or after the last one where that is
    /// null.
    public GgufWriter tensor(String name, int type, byte[] data, Long offset, long... sizes) {
        tensors.add(new Description(name, type, sizes.clone(), data, offset));
        return this;
    }

    /// An F32 tensor.
    public GgufWriter floats(String name, float[] values, long... sizes) {
        var data = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        data.asFloatBuffer().put(values);
        return tensor(name, TensorType.F32, data.array(), sizes);
    }

    public byte[] bytes() {
        var file = new Bytes();
        file.raw("GGUF".getBytes(StandardCharsets.US_ASCII)).number(version, 4);
        file.number(tensors.size(), 8).number(keys, 8).raw(pairs.out.toByteArray());
        var data = new Bytes();
        for (Description tensor : tensors) {
            pad(data);
            file.text(tensor.name()).number(tensor.sizes().length, 4);
            for (long size : tensor.sizes()) {
                file.number(size, 8);
            }
            long offset = tensor.offset() == null ? data.out.size() : tensor.offset();
            file.number(tensor.type(), 4).number(offset, 8);
            data.raw(tensor.data());
        }
        if (!tensors.isEmpty()) {
            pad(file);
        }
        return file.raw(data.out.toByteArray()).out.toByteArray();
    }

    public Path write(Path path) {
        try {
            return Files.write(path, bytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private GgufWriter pair(String key, int type) {
        pairs.text(key).number(type, 4);
        keys++;
        return this;
    }

    private void array(String key, int type, int length) {
        pair(key, 9).number(type, 4).number(length, 8);
    }

    private GgufWriter number(long value, int size) {
        pairs.number(value, size);
        return this;
    }

    private void pad(Bytes bytes) {
        while (bytes.out.size() % alignment != 0) {
            bytes.number(0, 1);
        }
    }
}
