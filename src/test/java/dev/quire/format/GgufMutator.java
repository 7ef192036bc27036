package dev.quire.format;

import dev.quire.format.GgufImage.Description;
import dev.quire.format.GgufImage.Key;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/// Damages good GGUF files: half of the time their bytes, else their records, so that the damage is met behind the
/// first checks too. Whatever it does follows from the seed.
final class GgufMutator {
    private static final int MOST_CHANGES = 3;

    /// Numbers at which checks tend to be wrong.
    private static final long[] EDGES = {
        0,
        1,
        -1,
        2,
        5,
        13,
        31,
        33,
        255,
        65_535,
        65_536,
        1L << 22,
        1L << 24,
        (1L << 31) - 1,
        1L << 31,
        (1L << 31) + 1,
        (1L << 32) - 1,
        1L << 32,
        (1L << 32) + 1,
        1L << 60,
        1L << 62,
        Long.MAX_VALUE - 31,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        Long.MIN_VALUE + 1
    };

    private final List<byte[]> files;
    private final List<GgufImage> images;
    private final Random random;

    GgufMutator(List<byte[]> goodFiles, long seed) {
        files = goodFiles;
        images = goodFiles.stream().map(GgufImage::of).toList();
        random = new Random(seed);
    }

    byte[] next() {
        int which = random.nextInt(files.size());
        byte[] bytes;
        if (random.nextBoolean()) {
            bytes = files.get(which).clone();
        } else {
            GgufImage image = images.get(which).copy();
            for (int i = 1 + random.nextInt(MOST_CHANGES); i > 0; i--) {
                changeRecord(image);
            }
            bytes = image.bytes();
            if (random.nextInt(4) > 0) {
                return bytes;
            }
        }
        for (int i = 1 + random.nextInt(MOST_CHANGES); i > 0; i--) {
            bytes = changeBytes(bytes, which);
        }
        return bytes;
    }

    /// Some number: an edge, or one near `near`.
    private long number(long near) {
        return random.nextInt(3) == 0 ? near - 1 + random.nextInt(3) : EDGES[random.nextInt(EDGES.length)];
    }

    /// Any place, but mostly one in the header, which is the smaller part of some files.
    private int place(byte[] bytes, int which) {
        int header = files.get(which).length - images.get(which).data.length;
        return random.nextInt(random.nextInt(8) == 0 ? bytes.length : Math.min(bytes.length, header));
    }

    private byte[] changeBytes(byte[] bytes, int which) {
        if (bytes.length < 16) {
            return bytes;
        }
        int at = Math.min(place(bytes, which), bytes.length - 9);
        int length = Math.min(1 + random.nextInt(64), bytes.length - at);
        var words = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
        switch (random.nextInt(9)) {
            case 0 -> bytes[at] ^= (byte) (1 << random.nextInt(8));
            case 1 -> bytes[at] = (byte) random.nextInt();
            case 2 -> words.putInt(at, (int) number(words.getInt(at)));
            case 3 -> words.putLong(at, number(words.getLong(at)));
            case 4 -> words.putLong(at, number(bytes.length - at));
            case 5 -> System.arraycopy(bytes, random.nextInt(bytes.length - length + 1), bytes, at, length);
            case 6 -> {
                return Arrays.copyOf(bytes, at);
            }
            case 7 -> {
                byte[] shorter = Arrays.copyOf(bytes, bytes.length - length);
                System.arraycopy(bytes, at + length, shorter, at, bytes.length - at - length);
                return shorter;
            }
            default -> {
                byte[] other = files.get(random.nextInt(files.size()));
                int from = random.nextInt(other.length);
                byte[] spliced = Arrays.copyOf(bytes, at + other.length - from);
                System.arraycopy(other, from, spliced, at, other.length - from);
                return spliced;
            }
        }
        return bytes;
    }

    private void changeRecord(GgufImage image) {
        if (image.keys.isEmpty() || image.tensors.isEmpty()) {
            return;
        }
        int key = random.nextInt(image.keys.size());
        int tensor = random.nextInt(image.tensors.size());
        switch (random.nextInt(12)) {
            case 0 -> image.keyCount = number(image.keys.size());
            case 1 -> image.tensorCount = number(image.tensors.size());
            case 2 -> image.keys.remove(key);
            case 3 -> image.keys.add(image.keys.get(random.nextInt(image.keys.size())));
            case 4 -> Collections.swap(image.keys, key, random.nextInt(image.keys.size()));
            case 5 -> image.tensors.remove(tensor);
            case 6 -> image.tensors.add(image.tensors.get(tensor));
            case 7 -> Collections.swap(image.tensors, tensor, random.nextInt(image.tensors.size()));
            case 8 ->
                image.data =
                        Arrays.copyOf(image.data, random.nextInt(2) == 0 ? 0 : random.nextInt(image.data.length + 1));
            case 9 -> image.tensors.set(tensor, changed(image.tensors.get(tensor), image));
            default -> image.keys.set(key, changed(image.keys.get(key), image));
        }
    }

    private Key changed(Key key, GgufImage image) {
        byte[] value = key.value().clone();
        var words = ByteBuffer.wrap(value).order(ByteOrder.LITTLE_ENDIAN);
        return switch (random.nextInt(6)) {
            case 0 -> new Key(number(key.nameLength()), key.name(), key.type(), value);
            case 1 -> new Key(key.nameLength(), key.name(), random.nextInt(14), value);
            case 2 -> {
                Key other = image.keys.get(random.nextInt(image.keys.size()));
                yield new Key(key.nameLength(), key.name(), other.type(), other.value());
            }
            case 3 -> {
                Key other = image.keys.get(random.nextInt(image.keys.size()));
                yield new Key(other.nameLength(), other.name(), key.type(), value);
            }
            case 4 -> {
                if (key.type() == GgufType.ARRAY.ordinal()) {
                    words.putLong(4, number(words.getLong(4)));
                } else if (value.length >= 8) {
                    words.putLong(0, number(words.getLong(0)));
                } else if (value.length >= 4) {
                    words.putInt(0, (int) number(words.getInt(0)));
                }
                yield new Key(key.nameLength(), key.name(), key.type(), value);
            }
            default -> {
                value[random.nextInt(value.length)] = (byte) random.nextInt();
                yield new Key(key.nameLength(), key.name(), key.type(), value);
            }
        };
    }

    private Description changed(Description tensor, GgufImage image) {
        long[] sizes = tensor.sizes().clone();
        int d = random.nextInt(sizes.length);
        return switch (random.nextInt(7)) {
            case 0 -> described(tensor, number(tensor.nameLength()), tensor.dimensions(), sizes, tensor.type());
            case 1 -> described(tensor, tensor.nameLength(), (int) number(tensor.dimensions()), sizes, tensor.type());
            case 2 -> {
                sizes[d] = number(sizes[d]);
                yield described(tensor, tensor.nameLength(), tensor.dimensions(), sizes, tensor.type());
            }
            case 3 -> {
                sizes = Arrays.copyOf(sizes, 1 + random.nextInt(5));
                yield described(tensor, tensor.nameLength(), sizes.length, sizes, tensor.type());
            }
            case 4 -> described(tensor, tensor.nameLength(), sizes.length, sizes, random.nextInt(42));
            case 5 -> {
                Description other = image.tensors.get(random.nextInt(image.tensors.size()));
                yield new Description(
                        tensor.nameLength(), tensor.name(), sizes.length, sizes, tensor.type(), other.offset());
            }
            default ->
                new Description(
                        tensor.nameLength(),
                        tensor.name(),
                        sizes.length,
                        sizes,
                        tensor.type(),
                        number(tensor.offset()) & (random.nextBoolean() ? -32 : -1));
        };
    }

    private static Description described(Description tensor, long nameLength, int dimensions, long[] sizes, int type) {
        return new Description(nameLength, tensor.name(), dimensions, sizes, type, tensor.offset());
    }
}
