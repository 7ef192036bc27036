package dev.quire.format;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// A GGUF file taken apart: its records can be changed, however wrongly, and put together again. Taking apart expects
/// a good file (version 3, little-endian, data behind the alignment's padding).
///
/// Whatever is changed, counts follow the records unless they are set, and the data stays as it is.
final class GgufImage {
    /// A key with its value, as bytes. `nameLength` is what the file claims.
    record Key(long nameLength, byte[] name, int type, byte[] value) {
        Key(String name, int type, byte[] value) {
            this(utf8(name).length, utf8(name), type, value);
        }

        boolean is(String other) {
            return Arrays.equals(name, utf8(other));
        }
    }

    /// A tensor's description; `sizes` has the row length first.
    record Description(long nameLength, byte[] name, int dimensions, long[] sizes, int type, long offset) {
        Description(String name, long[] sizes, int type, long offset) {
            this(utf8(name).length, utf8(name), sizes.length, sizes, type, offset);
        }

        boolean is(String other) {
            return Arrays.equals(name, utf8(other));
        }
    }

    int magic;
    int version;
    Long tensorCount; // null: as many as there are
    Long keyCount; // null: as many as there are
    final List<Key> keys = new ArrayList<>();
    final List<Description> tensors = new ArrayList<>();
    byte[] data;

    private GgufImage() {}

    static GgufImage of(byte[] file) {
        var in = ByteBuffer.wrap(file).order(ByteOrder.LITTLE_ENDIAN);
        var image = new GgufImage();
        image.magic = in.getInt();
        image.version = in.getInt();
        long tensorCount = in.getLong();
        long keyCount = in.getLong();
        for (long i = 0; i < keyCount; i++) {
            byte[] name = text(in);
            int type = in.getInt();
            int start = in.position();
            skip(in, type);
            image.keys.add(new Key(name.length, name, type, Arrays.copyOfRange(file, start, in.position())));
        }
        for (long i = 0; i < tensorCount; i++) {
            byte[] name = text(in);
            long[] sizes = new long[in.getInt()];
            for (int d = 0; d < sizes.length; d++) {
                sizes[d] = in.getLong();
            }
            image.tensors.add(new Description(name.length, name, sizes.length, sizes, in.getInt(), in.getLong()));
        }
        image.data = Arrays.copyOfRange(file, padded(in.position()), file.length);
        return image;
    }

    GgufImage copy() {
        var copy = new GgufImage();
        copy.magic = magic;
        copy.version = version;
        copy.tensorCount = tensorCount;
        copy.keyCount = keyCount;
        copy.keys.addAll(keys);
        copy.tensors.addAll(tensors);
        copy.data = data.clone();
        return copy;
    }

    byte[] bytes() {
        var out = new ByteArrayOutputStream();
        out.writeBytes(number(magic, 4));
        out.writeBytes(number(version, 4));
        out.writeBytes(number(tensorCount == null ? tensors.size() : tensorCount, 8));
        out.writeBytes(number(keyCount == null ? keys.size() : keyCount, 8));
        for (Key key : keys) {
            out.writeBytes(number(key.nameLength(), 8));
            out.writeBytes(key.name());
            out.writeBytes(number(key.type(), 4));
            out.writeBytes(key.value());
        }
        for (Description tensor : tensors) {
            out.writeBytes(number(tensor.nameLength(), 8));
            out.writeBytes(tensor.name());
            out.writeBytes(number(tensor.dimensions(), 4));
            for (long size : tensor.sizes()) {
                out.writeBytes(number(size, 8));
            }
            out.writeBytes(number(tensor.type(), 4));
            out.writeBytes(number(tensor.offset(), 8));
        }
        while (out.size() % 32 != 0) {
            out.write(0);
        }
        out.writeBytes(data);
        return out.toByteArray();
    }

    /// Replaces a key's value, or adds the key.
    GgufImage set(String name, int type, byte[] value) {
        int index = indexOfKey(name);
        if (index < 0) {
            keys.add(new Key(name, type, value));
        } else {
            keys.set(index, new Key(name, type, value));
        }
        return this;
    }

    GgufImage uint32(String name, long value) {
        return set(name, GgufType.UINT32.ordinal(), number(value, 4));
    }

    GgufImage float32(String name, float value) {
        return set(name, GgufType.FLOAT32.ordinal(), number(Float.floatToIntBits(value), 4));
    }

    GgufImage string(String name, String value) {
        return set(name, GgufType.STRING.ordinal(), text(value));
    }

    GgufImage strings(String name, String... values) {
        var all = new ByteArrayOutputStream();
        for (String value : values) {
            all.writeBytes(text(value));
        }
        return array(name, GgufType.STRING, values.length, all.toByteArray());
    }

    GgufImage array(String name, GgufType type, long count, byte[] elements) {
        return set(name, GgufType.ARRAY.ordinal(), joined(number(type.ordinal(), 4), number(count, 8), elements));
    }

    GgufImage remove(String name) {
        keys.remove(indexOfKey(name));
        return this;
    }

    Key key(String name) {
        return keys.get(indexOfKey(name));
    }

    int indexOfKey(String name) {
        for (int i = 0; i < keys.size(); i++) {
            if (keys.get(i).is(name)) {
                return i;
            }
        }
        return -1;
    }

    Description tensor(String name) {
        return tensors.get(indexOfTensor(name));
    }

    int indexOfTensor(String name) {
        for (int i = 0; i < tensors.size(); i++) {
            if (tensors.get(i).is(name)) {
                return i;
            }
        }
        return -1;
    }

    GgufImage replace(String name, Description tensor) {
        tensors.set(indexOfTensor(name), tensor);
        return this;
    }

    static byte[] number(long value, int size) {
        byte[] all = ByteBuffer.allocate(8)
                .order(ByteOrder.LITTLE_ENDIAN)
                .putLong(value)
                .array();
        return Arrays.copyOf(all, size);
    }

    static byte[] text(String text) {
        return joined(number(utf8(text).length, 8), utf8(text));
    }

    static byte[] joined(byte[]... parts) {
        var out = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            out.writeBytes(part);
        }
        return out.toByteArray();
    }

    private static byte[] utf8(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }

    private static byte[] text(ByteBuffer in) {
        byte[] text = new byte[Math.toIntExact(in.getLong())];
        in.get(text);
        return text;
    }

    private static void skip(ByteBuffer in, int type) {
        switch (GgufType.of(type)) {
            case STRING -> text(in);
            case ARRAY -> {
                int element = in.getInt();
                long count = in.getLong();
                for (long i = 0; i < count; i++) {
                    skip(in, element);
                }
            }
            case GgufType number -> in.position(in.position() + number.bytes());
        }
    }

    private static int padded(int position) {
        return (position + 31) / 32 * 32;
    }
}
