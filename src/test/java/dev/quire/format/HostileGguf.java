package dev.quire.format;

import static dev.quire.format.GgufImage.joined;
import static dev.quire.format.GgufImage.number;
import static dev.quire.format.GgufImage.text;
import static dev.quire.format.HostileFile.Found.OPENING;
import static dev.quire.format.HostileFile.Found.READING;

import dev.quire.format.GgufImage.Description;
import dev.quire.format.GgufImage.Key;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// Files with one defect of the format each, made from a good one, a tiny model that answers. Those of
/// {@link HostileModel} are good files of bad models.
///
/// `make hostile-files OUT=folder` writes them all, to be tried by hand.
public final class HostileGguf {
    static final Path GOOD = Path.of("src/test/resources/models/tiny-llama-q4_1.gguf");

    private static final String KEY = "a.key";
    private static final String NORM = "blk.0.attn_norm.weight";
    private static final String QUERY = "blk.0.attn_q.weight";
    private static final int U32 = GgufType.UINT32.ordinal();
    private static final int STRING = GgufType.STRING.ordinal();
    private static final int ARRAY = GgufType.ARRAY.ordinal();
    private static final int F32 = 0;
    private static final int Q4_1 = 3;
    private static final String COUNT = " of the file must not exceed its bound: count=";
    private static final String ENDS = "file must not end inside its header: reading=";

    /// Counts and lengths that no file has.
    private static final long[] HUGE = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 1L << 60, 1L << 32, 1L << 31};

    private final byte[] good;
    private final GgufImage image;
    private final List<HostileFile> files = new ArrayList<>();

    private HostileGguf(byte[] good) {
        this.good = good;
        this.image = GgufImage.of(good);
    }

    /// Writes the files of this class and of {@link HostileModel} into the folder that is the only argument, and what
    /// is expected of each as `expected.tsv`.
    public static void main(String[] arguments) throws IOException {
        Path folder = Files.createDirectories(Path.of(arguments[0]));
        List<String> expected = new ArrayList<>();
        List<HostileFile> all = new ArrayList<>(files());
        all.addAll(HostileModel.files());
        for (HostileFile file : all) {
            Files.write(folder.resolve(file.name() + ".gguf"), file.bytes());
            expected.add(file.name() + "\t" + file.found() + "\t" + file.message());
        }
        Files.write(folder.resolve("expected.tsv"), expected);
    }

    public static List<HostileFile> files() throws IOException {
        var all = new HostileGguf(Files.readAllBytes(GOOD));
        all.headers();
        all.counts();
        all.keyNames();
        all.values();
        all.arrays();
        all.elements();
        all.alignments();
        all.tensorNames();
        all.sizes();
        all.types();
        all.places();
        all.truncations();
        return all.files;
    }

    private void headers() {
        for (String magic : List.of("GGML", "GGUf", "FUGG", "PK\3\4", "\0\0\0\0")) {
            GgufImage changed = image.copy();
            changed.magic = ByteBuffer.wrap(magic.getBytes(StandardCharsets.ISO_8859_1))
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .getInt();
            opening("magic-" + Integer.toHexString(changed.magic), "file must start with the bytes GGUF", changed);
        }
        for (int version : new int[] {0, 1, 4, 99, 256, Integer.MIN_VALUE, -1}) {
            opening("version-" + Integer.toUnsignedString(version), "version must be 2 or 3", versioned(version));
        }
        for (int version = 1; version <= 3; version++) {
            GgufImage changed = versioned(Integer.reverseBytes(version));
            opening("big-endian-" + version, "file must be little-endian", changed);
        }
    }

    private GgufImage versioned(int version) {
        GgufImage changed = image.copy();
        changed.version = version;
        return changed;
    }

    private void counts() {
        for (long count : HUGE) {
            GgufImage keys = image.copy();
            keys.keyCount = count;
            opening("key-count-" + hex(count), "metadata keys" + COUNT, keys);
            GgufImage tensors = image.copy();
            tensors.tensorCount = count;
            opening("tensor-count-" + hex(count), "tensors" + COUNT, tensors);
        }
        GgufImage moreKeys = image.copy();
        moreKeys.keyCount = image.keys.size() + 1L;
        opening("key-count-one-more", "", moreKeys);
        GgufImage fewerKeys = image.copy();
        fewerKeys.keyCount = image.keys.size() - 1L;
        opening("key-count-one-less", "", fewerKeys);
        GgufImage moreTensors = image.copy();
        moreTensors.tensorCount = image.tensors.size() + 1L;
        opening("tensor-count-one-more", "", moreTensors);
        GgufImage most = image.copy();
        most.tensorCount = (long) GgufTensors.MAX_TENSORS;
        opening("tensor-count-most", "tensors of the file must fit the rest of the file", most);
    }

    private void keyNames() {
        byte[] value = number(1, 4);
        opening("key-empty", "metadata key must not be empty", with(new Key("", U32, value)));
        opening("key-twice", "metadata key must be unique: key=general.name", with(image.key("general.name")));
        opening(
                "key-twice-other-type",
                "metadata key must be unique: key=llama.block_count",
                with(new Key("llama.block_count", STRING, text("2"))));
        opening(
                "key-of-65536-bytes",
                "metadata key length must not exceed its bound: length=65536",
                with(new Key("k".repeat(65_536), U32, value)));
        opening("key-not-utf8", "metadata key must be UTF-8", with(new Key(2, bytes(0xc3, 0x28), U32, value)));
        opening("key-surrogate", "metadata key must be UTF-8", with(new Key(3, bytes(0xed, 0xa0, 0x80), U32, value)));
        opening("key-overlong-slash", "metadata key must be UTF-8", with(new Key(2, bytes(0xc0, 0xaf), U32, value)));
        for (long length : HUGE) {
            opening(
                    "key-length-" + hex(length),
                    "metadata key length must not exceed its bound",
                    with(new Key(length, bytes('k'), U32, value)));
        }
        opening("key-control-characters", "metadata value type", with(new Key("a\nb\r\u001b[31m\u202e", 99, value)));
    }

    private void values() {
        for (int type : new int[] {13, 255, Integer.MIN_VALUE, -1}) {
            opening(
                    "value-type-" + Integer.toUnsignedString(type),
                    "metadata value type must be 0 to 12",
                    with(new Key(KEY, type, number(1, 8))));
        }
        opening("bool-2", "metadata bool must be 0 or 1", with(new Key(KEY, 7, bytes(2))));
        opening("uint64-2-63", "metadata integer must fit 63 bits", with(new Key(KEY, 10, number(1L << 63, 8))));
        for (long length : HUGE) {
            opening(
                    "string-length-" + hex(length),
                    "metadata string length must not exceed its bound",
                    with(new Key(KEY, STRING, joined(number(length, 8), bytes('x')))));
        }
        opening("string-past-end", ENDS, with(new Key(KEY, STRING, joined(number(1 << 20, 8), bytes('x')))));
        opening(
                "string-not-utf8",
                "metadata string must be UTF-8",
                with(new Key(KEY, STRING, joined(number(1, 8), bytes(0x80)))));
    }

    private void arrays() {
        opening("array-of-arrays", "array must not hold arrays", array(ARRAY, 1, joined(number(U32, 4), number(0, 8))));
        byte[] nested = number(0, 8);
        for (int depth = 0; depth < 1000; depth++) {
            nested = joined(number(ARRAY, 4), number(1, 8), nested);
        }
        opening("array-nested-deep", "array must not hold arrays", array(ARRAY, 1, nested));
        for (int type : new int[] {13, 200, -1}) {
            opening(
                    "array-type-" + Integer.toUnsignedString(type),
                    "metadata value type must be 0 to 12",
                    array(type, 1, number(1, 8)));
        }
        for (GgufType type : GgufType.values()) {
            for (long count : type == GgufType.ARRAY ? new long[0] : HUGE) {
                opening(
                        "array-of-" + type + "-count-" + hex(count),
                        "elements of an array must not exceed its bound",
                        array(type.ordinal(), count, number(0, 8)));
            }
            if (type != GgufType.ARRAY) {
                opening(
                        "array-of-" + type + "-past-end",
                        "elements of an array must fit the rest of the file",
                        array(type.ordinal(), 1 << 20, number(0, 8)));
            }
        }
        for (long length : HUGE) {
            opening(
                    "array-string-length-" + hex(length),
                    "array string length must not exceed its bound",
                    array(STRING, 2, joined(text("a"), number(length, 8))));
        }
        opening("array-string-past-end", ENDS + "array string", array(STRING, 1, number(1 << 20, 8)));
    }

    private void elements() {
        reading("array-string-not-utf8", "array string must be UTF-8", array(STRING, 1, number(1, 8), bytes(0xff)));
        reading("array-bool-2", "array bool must be 0 or 1", array(GgufType.BOOL.ordinal(), 2, bytes(1, 2)));
        reading(
                "array-uint64-2-63",
                "array integer must fit 63 bits",
                array(GgufType.UINT64.ordinal(), 1, number(1L << 63, 8)));
    }

    private void alignments() {
        String message = "alignment must be a power of two from 8 to 1048576";
        for (long alignment : new long[] {0, 1, 4, 13, 31, 48, 1L << 21, 1L << 31, 0xffffffffL}) {
            opening("alignment-" + alignment, message, image.copy().uint32(GgufValues.ALIGNMENT_KEY, alignment));
        }
        opening("alignment-string", message, image.copy().string(GgufValues.ALIGNMENT_KEY, "32"));
        opening("alignment-float", message, image.copy().float32(GgufValues.ALIGNMENT_KEY, 32));
        opening("alignment-bool", message, with(new Key(GgufValues.ALIGNMENT_KEY, 7, bytes(1))));
        opening("alignment-negative", message, with(new Key(GgufValues.ALIGNMENT_KEY, 5, number(-32, 4))));
        opening("alignment-strings", message, image.copy().strings(GgufValues.ALIGNMENT_KEY, "32"));
        opening("alignment-of-others", "tensor", image.copy().uint32(GgufValues.ALIGNMENT_KEY, 4096));
    }

    private void tensorNames() {
        Description norm = image.tensor(NORM);
        opening("name-empty", "tensor name must not be empty", named(norm, 0));
        opening("name-of-65-bytes", "tensor name length must not exceed its bound: length=65", named(norm, 65, 't'));
        opening("name-twice", "tensor name must be unique: tensor=output_norm.weight", renamed("output_norm.weight"));
        opening("name-not-utf8", "tensor name must be UTF-8", named(norm, 2, 0xc3, 0x28));
        for (long length : HUGE) {
            opening("name-length-" + hex(length), "tensor name length must not exceed its bound", named(norm, length));
        }
    }

    private void sizes() {
        Description norm = image.tensor(NORM);
        for (int dimensions : new int[] {0, 5, 1000, Integer.MAX_VALUE, -1}) {
            opening(
                    "dimensions-" + Integer.toUnsignedString(dimensions),
                    "tensor must have 1 to 4 dimensions",
                    replaced(new Description(
                            norm.nameLength(), norm.name(), dimensions, norm.sizes(), norm.type(), norm.offset())));
        }
        opening("size-0", "tensor size must be positive", sized(F32, 0));
        opening("size-0-second", "tensor size must be positive", sized(F32, 64, 0));
        opening("size-minus-1", "tensor size must fit 63 bits", sized(F32, -1));
        opening("size-2-63", "tensor size must fit 63 bits", sized(F32, 64, Long.MIN_VALUE));
        opening("rows-wrap-to-0", "tensor size must fit 63 bits", sized(F32, 64, 1L << 32, 1L << 32));
        opening("rows-wrap-to-1", "tensor size must fit 63 bits", sized(F32, 64, 0x5555555555555555L, 3));
        opening("bytes-wrap-to-0", "tensor bytes must fit 63 bits", sized(F32, 1L << 31, 1L << 31));
        opening("bytes-wrap-to-256", "tensor bytes must fit 63 bits", sized(F32, (1L << 62) + 64));
        opening("bytes-wrap-quantised", "tensor bytes must fit 63 bits", sized(Q4_1, 1L << 60, 32));
        opening("bytes-past-end", "tensor must lie inside the file", sized(F32, 1L << 40));
        opening("rows-past-end", "tensor must lie inside the file", sized(F32, 64, 1 << 20, 4, 4));
        opening("row-no-multiple-of-block", "row length must be a multiple of the type's block", sized(Q4_1, 33));
    }

    private void types() {
        // Removed from the format, packed for other machines, and unknown.
        for (int type : new int[] {4, 5, 31, 32, 33, 36, 37, 38, 40, 99, 255, Integer.MAX_VALUE, -1}) {
            opening("type-" + Integer.toUnsignedString(type), "tensor type must be one of ", sized(type, 64));
        }
    }

    private void places() {
        Description norm = image.tensor(NORM);
        for (long offset : new long[] {1, 16, norm.offset() + 4}) {
            opening("offset-misaligned-" + offset, "tensor offset must be a multiple of the alignment", placed(offset));
        }
        opening("offset-overlaps-first", "tensors must not overlap", placed(0));
        opening("offset-overlaps-next", "tensors must not overlap", placed(norm.offset() + 32));
        opening(
                "offset-overlaps-same",
                "tensors must not overlap",
                placed(image.tensor(QUERY).offset()));
        long end = (image.data.length + 31L) / 32 * 32;
        opening("offset-at-end", "tensor must lie inside the file", placed(end));
        opening("offset-past-end", "tensor must lie inside the file", placed(1L << 40));
        opening("offset-wraps", "tensor must lie inside the file", placed(Long.MAX_VALUE - 31));
        opening("offset-2-63", "tensor offset must fit 63 bits", placed(Long.MIN_VALUE));
        opening("offset-minus-32", "tensor offset must fit 63 bits", placed(-32));
        GgufImage noData = image.copy();
        noData.data = new byte[0];
        opening("no-data", "tensor must lie inside the file", noData);
    }

    private void truncations() {
        int header = good.length - image.data.length;
        int[] lengths = {0, 1, 3, 4, 7, 8, 15, 16, 23, 24, 25, 31, 32, 33, 100, 1000, header / 2, header - 1, header};
        for (int length : lengths) {
            String message = length == 0 ? "model file must not be empty" : "";
            files.add(new HostileFile("cut-at-" + length, Arrays.copyOf(good, length), OPENING, message));
        }
        for (int missing : new int[] {1, 255, 256, 10_000}) {
            byte[] cut = Arrays.copyOf(good, good.length - missing);
            files.add(new HostileFile("cut-by-" + missing, cut, OPENING, "tensor must lie inside the file"));
        }
    }

    private void opening(String name, String message, GgufImage changed) {
        files.add(new HostileFile(name, changed.bytes(), OPENING, message));
    }

    private void reading(String name, String message, GgufImage changed) {
        files.add(new HostileFile(name, changed.bytes(), READING, message));
    }

    private GgufImage with(Key key) {
        GgufImage changed = image.copy();
        changed.keys.add(key);
        return changed;
    }

    private GgufImage array(int type, long count, byte[]... elements) {
        return with(new Key(KEY, ARRAY, joined(number(type, 4), number(count, 8), joined(elements))));
    }

    private GgufImage replaced(Description norm) {
        return image.copy().replace(NORM, norm);
    }

    private GgufImage named(Description norm, long length, int... name) {
        byte[] bytes = name.length == 1 ? new byte[(int) length] : bytes(name);
        if (name.length == 1) {
            Arrays.fill(bytes, (byte) name[0]);
        }
        return replaced(new Description(length, bytes, norm.dimensions(), norm.sizes(), norm.type(), norm.offset()));
    }

    private GgufImage renamed(String name) {
        Description norm = image.tensor(NORM);
        return replaced(new Description(name, norm.sizes(), norm.type(), norm.offset()));
    }

    private GgufImage sized(int type, long... sizes) {
        return replaced(new Description(NORM, sizes, type, image.tensor(NORM).offset()));
    }

    private GgufImage placed(long offset) {
        Description norm = image.tensor(NORM);
        return replaced(new Description(NORM, norm.sizes(), norm.type(), offset));
    }

    private static String hex(long value) {
        return "0x" + Long.toHexString(value);
    }

    private static byte[] bytes(int... values) {
        var bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) {
            bytes[i] = (byte) values[i];
        }
        return bytes;
    }
}
