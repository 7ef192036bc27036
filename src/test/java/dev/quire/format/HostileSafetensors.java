package dev.quire.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/// Safetensors files that are wrong in every way we know, made from a good one, and mutations of it by a seed.
public final class HostileSafetensors {
    private static final byte[] NONE = {};

    /// - `name`: says what is wrong
    /// - `message`: the beginning of the line that says so
    /// - `offset`: at its end; -1 where the test does not say which
    public record Bad(String name, byte[] bytes, String message, long offset) {
        @Override
        public String toString() {
            return name;
        }
    }

    private final List<Bad> files = new ArrayList<>();

    private HostileSafetensors() {}

    /// Every file of the list.
    public static List<Bad> files() {
        var all = new HostileSafetensors();
        all.lengths();
        all.texts();
        all.objects();
        all.descriptions();
        all.numbers();
        all.places();
        all.cuts();
        return all.files;
    }

    /// A file in which nothing is wrong, with every kind of thing that the format has.
    public static byte[] good() {
        return new SafetensorsWriter()
                .raw("\"__metadata__\":{\"format\":\"pt\",\"größe\":\"\\u00e9\"}")
                .tensor("byte", "U8", new byte[3], 3)
                .floats("vector", new float[] {1, 2, 3}, 3)
                .tensor("half", "F16", new byte[12], 2, 3)
                .tensor("brain", "BF16", new byte[4], 2, 1)
                .tensor("none", "F32", NONE, 0, 5)
                .tensor("one", "I64", new byte[8])
                .tensor("nibbles", "F4", new byte[3], 2, 3)
                .padding("   ")
                .bytes();
    }

    /// The good file with one to three changes, chosen by `random`: bits, bytes, the numbers at the start, pieces of
    /// the header moved or repeated, and text that has a meaning there.
    public static byte[] mutant(Random random) {
        byte[] bytes = good();
        String[] words = {
            "[",
            "]",
            "{",
            "}",
            ",",
            ":",
            "\"",
            "-1",
            "1e9",
            "null",
            "true",
            "9223372036854775807",
            "0",
            "F32",
            "\\",
            "U8"
        };
        int header = (int) ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
        int changes = 1 + random.nextInt(3);
        for (int i = 0; i < changes; i++) {
            int at = 8 + random.nextInt(header);
            switch (random.nextInt(6)) {
                case 0 -> bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
                case 1 -> bytes[at] = (byte) random.nextInt();
                case 2 -> bytes[at] = (byte) ('0' + random.nextInt(10));
                case 3 ->
                    ByteBuffer.wrap(bytes)
                            .order(ByteOrder.LITTLE_ENDIAN)
                            .putLong(0, header + random.nextLong(-20, 20) * (random.nextInt(4) == 0 ? 1L << 55 : 1));
                case 4 -> {
                    int from = 8 + random.nextInt(header);
                    int length = Math.min(random.nextInt(40), 8 + header - Math.max(from, at));
                    System.arraycopy(bytes, from, bytes, at, length);
                }
                default -> {
                    byte[] word = words[random.nextInt(words.length)].getBytes(StandardCharsets.UTF_8);
                    System.arraycopy(word, 0, bytes, at, Math.min(word.length, bytes.length - at));
                }
            }
        }
        return random.nextInt(8) == 0 ? Arrays.copyOf(bytes, random.nextInt(bytes.length)) : bytes;
    }

    private void add(String name, String message, long offset, byte[] bytes) {
        files.add(new Bad(name, bytes, message, offset));
    }

    private void header(String name, String message, long offset, String json) {
        add(name, message, offset, SafetensorsWriter.bytes(json, NONE));
    }

    /// A header whose only tensor `a` is described by `json`; the description starts at offset 9.
    private void tensor(String name, String message, long offset, String json) {
        add(name, message, offset, SafetensorsWriter.bytes("{\"a\":" + json + "}", new byte[4]));
    }

    private void lengths() {
        byte[] header = "{}".getBytes(StandardCharsets.UTF_8);
        add("length-empty-file", "model file must not be empty: bytes=0", -1, NONE);
        add("length-too-long", "header must lie inside the file: headerBytes=3, remaining=2", 0, withLength(3, header));
        add("length-0", "header must start with '{': headerBytes=0", 8, withLength(0, header));
        add("length-1", "header must start with '{': headerBytes=1", 8, withLength(1, header));
        add(
                "length-2-63",
                "header must not exceed its bound: headerBytes=9223372036854775808, bound=100000000",
                0,
                withLength(Long.MIN_VALUE, header));
        add(
                "length-minus-1",
                "header must not exceed its bound: headerBytes=18446744073709551615, bound=100000000",
                0,
                withLength(-1, header));
        add(
                "length-beyond-bound",
                "header must not exceed its bound: headerBytes=100000001, bound=100000000",
                0,
                withLength(100_000_001, header));
        add(
                "length-at-bound",
                "header must lie inside the file: headerBytes=100000000, remaining=2",
                0,
                withLength(100_000_000, header));
        add(
                "length-too-short",
                "header must be JSON",
                -1,
                SafetensorsWriter.withLength(5, "{\"a\":{}}".getBytes(StandardCharsets.UTF_8), NONE));
    }

    private static byte[] withLength(long length, byte[] header) {
        return SafetensorsWriter.withLength(length, header, NONE);
    }

    private void texts() {
        header("text-array", "header must start with '{'", 8, "[]");
        header("text-string", "header must start with '{'", 8, "\"a\"");
        header("text-blank", "header must start with '{'", 8, " {}");
        header("text-byte-order-mark", "header must start with '{'", 8, "\uFEFF{}");
        add(
                "text-utf-16",
                "header must start with '{'",
                8,
                SafetensorsWriter.bytes("{}".getBytes(StandardCharsets.UTF_16LE), NONE));
        header("text-open", "header must be JSON", -1, "{\"a\":");
        header("text-word", "header must be JSON", -1, "{hello}");
        header("text-comma", "header must be JSON", -1, "{\"__metadata__\":{},}");
        header("text-comment", "header must be JSON", -1, "{/* */}");
        header("text-behind", "header must be JSON", -1, "{} x");
        header("text-twice", "header must end here: found='{'", 11, "{} {}");
        header("text-control-character", "header must be JSON", -1, "{\"a\nb\":{}}");
        for (int[] bad : new int[][] {{0xff}, {0xc0, 0x80}, {0xed, 0xa0, 0x80}, {0xc3}, {0xf5, 0x80, 0x80, 0x80}}) {
            byte[] text = "{\"....\":{}}".getBytes(StandardCharsets.UTF_8);
            for (int i = 0; i < bad.length; i++) {
                text[2 + i] = (byte) bad[i];
            }
            add(
                    "text-utf-8-" + Integer.toHexString(bad[0]) + "-" + bad.length,
                    String.format("header must be UTF-8: byte=0x%02x", bad[0]),
                    10,
                    SafetensorsWriter.bytes(text, NONE));
        }
        for (int depth : new int[] {33, 1000, 100_000}) {
            header("text-deep-arrays-" + depth, "header must be JSON", -1, "{\"a\":{\"b\":" + "[".repeat(depth));
            header("text-deep-objects-" + depth, "header must be JSON", -1, "{\"a\":".repeat(depth));
        }
    }

    private void objects() {
        header(
                "metadata-array",
                "header must have '{' here: name=__metadata__, found='['",
                24,
                "{\"__metadata__\":[]}");
        header(
                "metadata-null",
                "header must have '{' here: name=__metadata__, found=null",
                24,
                "{\"__metadata__\":null}");
        header(
                "metadata-number",
                "header must have a string here: name=__metadata__, key=a, found=integer",
                29,
                "{\"__metadata__\":{\"a\":1}}");
        header(
                "metadata-object",
                "header must have a string here: name=__metadata__, key=a, found='{'",
                29,
                "{\"__metadata__\":{\"a\":{}}}");
        header(
                "metadata-key-twice",
                "header must have a key once: name=__metadata__, key=a, found=again",
                32,
                "{\"__metadata__\":{\"a\":\"\",\"a\":\"\"}}");
        header(
                "metadata-twice",
                "header must have __metadata__ once: name=__metadata__",
                27,
                "{\"__metadata__\":{},\"__metadata__\":{}}");
        String tensor = "{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}";
        header(
                "tensor-twice",
                "tensor name must be unique: tensor=a",
                14 + tensor.length(),
                "{\"a\":" + tensor + ",\"a\":" + tensor + "}");
        header(
                "tensor-without-name",
                "tensor name must have 1 to 1024 characters: tensor=",
                9,
                "{\"\":" + tensor + "}");
        header(
                "tensor-with-long-name",
                "tensor name must have 1 to 1024 characters: tensor=nnn",
                9,
                "{\"" + "n".repeat(1025) + "\":" + tensor + "}");
        header(
                "tensor-with-hostile-name",
                "tensor must have dtype, shape and two data_offsets: tensor=a\\u000a\\u001b[2J",
                9,
                "{\"a\\n\\u001b[2J\":{}}");
    }

    private void descriptions() {
        String missing = "tensor must have dtype, shape and two data_offsets: tensor=a, dtype=";
        tensor("description-number", "header must have '{' here: tensor=a, found=integer", 13, "1");
        tensor("description-null", "header must have '{' here: tensor=a, found=null", 13, "null");
        tensor("description-array", "header must have '{' here: tensor=a, found='['", 13, "[]");
        tensor("description-empty", missing + "null, shape=null, data_offsets=null", 9, "{}");
        tensor(
                "dtype-missing",
                missing + "null, shape=[1], data_offsets=[0, 4]",
                9,
                "{\"shape\":[1],\"data_offsets\":[0,4]}");
        tensor(
                "shape-missing",
                missing + "F32, shape=null, data_offsets=[0, 4]",
                9,
                "{\"dtype\":\"F32\",\"data_offsets\":[0,4]}");
        tensor(
                "offsets-missing",
                missing + "F32, shape=[1], data_offsets=null",
                9,
                "{\"dtype\":\"F32\",\"shape\":[1]}");
        for (String bad : new String[] {"F31", "f32", "", "F32 ", "Q4_0"}) {
            tensor(
                    "dtype-" + bad,
                    "header must have a known dtype here: tensor=a, key=dtype, found=" + bad + ", known=[BOOL, ",
                    22,
                    "{\"dtype\":\"" + bad + "\",\"shape\":[1],\"data_offsets\":[0,4]}");
        }
        tensor("dtype-number", "header must have a string here: tensor=a, key=dtype", 22, "{\"dtype\":1}");
        tensor("shape-number", "header must have '[' here: tensor=a, key=shape, found=integer", 22, "{\"shape\":1}");
        tensor("shape-object", "header must have '[' here: tensor=a, key=shape, found='{'", 22, "{\"shape\":{}}");
        tensor("shape-null", "header must have '[' here: tensor=a, key=shape, found=null", 22, "{\"shape\":null}");
        tensor(
                "shape-of-arrays",
                "header must have a size here: tensor=a, key=shape, found='['",
                23,
                "{\"shape\":[[1]]}");
        tensor(
                "shape-of-17",
                "header must have at most 16 numbers here: tensor=a, key=shape, found=more",
                55,
                "{\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}");
        tensor(
                "offsets-of-1",
                missing + "F32, shape=[1], data_offsets=[0]",
                9,
                "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0]}");
        tensor(
                "offsets-of-3",
                "header must have at most 2 numbers here: tensor=a, key=data_offsets, found=more",
                34,
                "{\"data_offsets\":[0,4,4]}");
        for (String key : new String[] {"\"dtype\":\"F32\"", "\"shape\":[1]", "\"data_offsets\":[0,4]"}) {
            tensor(
                    "key-twice-" + key.substring(1, 6),
                    "header must have a key once: tensor=a, key=" + key.substring(1, key.indexOf(':') - 1),
                    15 + key.length(),
                    "{" + key + "," + key + "}");
        }
    }

    private void numbers() {
        for (String bad : new String[] {"-1", "9223372036854775808", "18446744073709551616", "-9223372036854775808"}) {
            tensor(
                    "size-" + bad,
                    "header must have a size from 0 to 2^63 - 1: tensor=a, key=shape, value=" + bad,
                    23,
                    "{\"shape\":[" + bad + "]}");
        }
        tensor("size-of-65-digits", "header must be JSON", -1, "{\"shape\":[" + "1".repeat(65) + "]}");
        for (String bad : new String[] {"1.0", "1e3", "NaN"}) {
            tensor(
                    "size-" + bad,
                    "header must have a size here: tensor=a, key=shape, found=number",
                    23,
                    "{\"shape\":[" + bad + "]}");
        }
        tensor(
                "size-string",
                "header must have a size here: tensor=a, key=shape, found=string",
                23,
                "{\"shape\":[\"1\"]}");
        tensor(
                "offset-minus-1",
                "header must have an offset from 0 to 2^63 - 1: tensor=a, key=data_offsets, value=-1",
                30,
                "{\"data_offsets\":[-1,4]}");
    }

    private void places() {
        String inside = "tensor must lie inside the file: tensor=a, ";
        String shaped = "tensor must have the bytes of its shape: tensor=a, dtype=";
        String wraps = "tensor size must fit 63 bits: tensor=a, dtype=F32, shape=";
        place("begin-behind-end", inside + "begin=4, end=0, dataBytes=4", "F32", "1", "4,0");
        place("end-behind-file", inside + "begin=0, end=5, dataBytes=4", "F32", "1", "0,5");
        place("end-2-63", inside + "begin=0, end=9223372036854775807", "F32", "1", "0,9223372036854775807");
        place("begin-2-63", inside + "begin=9223372036854775807", "F32", "1", "9223372036854775807,4");
        place("too-few-bytes", shaped + "F32, shape=[2], bits=64, begin=0, end=4", "F32", "2", "0,4");
        place("too-many-bytes", shaped + "F16, shape=[1], bits=16, begin=0, end=4", "F16", "1", "0,4");
        place("scalar-too-large", shaped + "U8, shape=[], bits=8, begin=0, end=4", "U8", "", "0,4");
        place("half-bytes", shaped + "F4, shape=[7], bits=28, begin=0, end=4", "F4", "7", "0,4");
        place("wraps-to-4", wraps + "[4611686018427387905]", "F32", "4611686018427387905", "0,4");
        place("wraps-to-0", wraps + "[4294967296, 4294967296]", "F32", "4294967296,4294967296", "0,0");
        place("wraps-then-0", wraps + "[4294967296, 4294967296, 0]", "F32", "4294967296,4294967296,0", "0,0");
        place("most", wraps + "[9223372036854775807]", "F32", "9223372036854775807", "0,4");
        String gap = "tensors must follow each other without a gap: tensor=";
        String overlap = "tensors must not overlap: tensor=";
        two("gap-at-start", gap + "a, begin=1, endBefore=0", 0, 1, 2, 2, 3, 3);
        two("gap-between", gap + "b, begin=2, endBefore=1", 1, 0, 1, 2, 3, 3);
        two("overlap", overlap + "b, begin=1, endBefore=2", 1, 0, 2, 1, 3, 3);
        two("overlap-same", overlap + "b, begin=0, endBefore=2", 1, 0, 2, 0, 2, 2);
        two("overlap-inside", overlap + "b, begin=1, endBefore=4", 1, 0, 4, 1, 2, 4);
        two("gap-in-any-order", gap + "a, begin=2, endBefore=1", 0, 2, 3, 0, 1, 3);
        two("rest-of-file", "file must end with its last tensor: end=115, fileBytes=116", -1, 0, 1, 1, 2, 3);
        add(
                "rest-without-tensors",
                "file must end with its last tensor: end=10, fileBytes=11",
                10,
                SafetensorsWriter.bytes("{}", new byte[1]));
    }

    private void place(String name, String message, String dtype, String shape, String offsets) {
        tensor(
                "place-" + name,
                message,
                9,
                "{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape + "],\"data_offsets\":[" + offsets + "]}");
    }

    /// Tensors `a` and `b` of bytes at the given places; the description that is at fault, or -1 for the file's end.
    private void two(String name, String message, int at, long begin, long end, long begin2, long end2, int dataBytes) {
        var writer = new SafetensorsWriter()
                .entry("a", "U8", begin, end, end - begin)
                .entry("b", "U8", begin2, end2, end2 - begin2)
                .data(new byte[dataBytes]);
        add("place-" + name, message, at < 0 ? 115 : 9 + at * 52L, writer.bytes());
    }

    /// The good file, cut at every byte.
    private void cuts() {
        byte[] good = good();
        for (int length = 1; length < good.length; length++) {
            byte[] cut = Arrays.copyOf(good, length);
            String message = length < 8
                    ? "file must not end inside its header: needed=8, remaining=" + length
                    : length < 8 + headerBytes(good)
                            ? "header must lie inside the file"
                            : "tensor must lie inside the file";
            add("cut-" + length, message, length < 8 + headerBytes(good) ? 0 : -1, cut);
        }
    }

    private static long headerBytes(byte[] bytes) {
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(0);
    }
}
