package dev.quire.format;

import com.fasterxml.jackson.core.JsonToken;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Reads and checks the header of a safetensors file: eight bytes of length, then one JSON object that gives for each
/// tensor `dtype`, `shape` and `data_offsets` (begin and end, counted from the end of the header), then the data.
///
/// The tensors must cover the data from its first byte to the end of the file, without gaps and overlaps: the rules of
/// the `safetensors` library, so that no byte of a file has two meanings or none.
///
/// Not thread-safe: {@link SafetensorsFile#open} owns it.
final class SafetensorsHeader {
    /// Bytes of a header; the library's bound.
    static final long MAX_HEADER_BYTES = 100_000_000;

    /// Tensors of one file. The largest models have about 100,000, in many files; one takes about 250 bytes of heap.
    static final int MAX_TENSORS = 1 << 18;

    /// Characters of a tensor's name; they have up to about a hundred.
    static final int MAX_NAME = 1024;

    /// Sizes of a tensor; the convolutions of vision models have four or five.
    static final int MAX_DIMENSIONS = 16;

    private static final String METADATA = "__metadata__";
    private static final int LENGTH_BYTES = Long.BYTES;

    private final FileBytes bytes;
    private final long dataStart;
    private final JsonCursor json;
    private final Set<String> names = new HashSet<>();
    private final List<Place> places = new ArrayList<>();

    /// A tensor that has its place, from `begin` to `end` in the data.
    private record Place(StoredTensor tensor, long begin, long end) {}

    private SafetensorsHeader(FileBytes bytes) {
        this.bytes = bytes;
        int length = length();
        this.dataStart = LENGTH_BYTES + length;
        var text = new byte[length];
        bytes.read(LENGTH_BYTES, text, 0, length);
        this.json = new JsonCursor(bytes.path(), ByteBuffer.wrap(text), LENGTH_BYTES, "header");
    }

    /// The tensors of a file in the order of their data.
    static List<StoredTensor> read(FileBytes bytes) {
        return new SafetensorsHeader(bytes).read();
    }

    private int length() {
        if (bytes.size() < LENGTH_BYTES) {
            throw refusal(
                    "file must not end inside its header", "needed=" + LENGTH_BYTES + ", remaining=" + bytes.size(), 0);
        }
        // The length, and of the text the first two bytes, or zeros.
        var start = ByteBuffer.allocate(LENGTH_BYTES + 2).order(ByteOrder.LITTLE_ENDIAN);
        bytes.read(0, start.array(), 0, (int) Math.min(start.capacity(), bytes.size()));
        long length = start.getLong(0);
        if (length < 0 || length > MAX_HEADER_BYTES) {
            throw refusal(
                    "header must not exceed its bound",
                    "headerBytes=" + Long.toUnsignedString(length) + ", bound=" + MAX_HEADER_BYTES,
                    0);
        }
        long remaining = bytes.size() - LENGTH_BYTES;
        if (length > remaining) {
            throw refusal("header must lie inside the file", "headerBytes=" + length + ", remaining=" + remaining, 0);
        }
        // The first byte also says that the text is not UTF-16, the second that it is not UTF-16 with little ends.
        if (length < 2 || start.get(LENGTH_BYTES) != '{' || start.get(LENGTH_BYTES + 1) == 0) {
            throw refusal("header must start with '{'", "headerBytes=" + length, LENGTH_BYTES);
        }
        return (int) length;
    }

    private List<StoredTensor> read() {
        try (json) {
            json.next(JsonToken.START_OBJECT, "'{'", "");
            boolean metadata = false;
            while (json.next() != JsonToken.END_OBJECT) {
                long offset = json.position();
                String name = json.text();
                if (name.equals(METADATA)) {
                    if (metadata) {
                        throw refusal("header must have " + METADATA + " once", "name=" + METADATA, offset);
                    }
                    metadata = true;
                    metadata();
                } else {
                    tensor(name, offset);
                }
            }
            json.end();
        }
        return inOrder();
    }

    /// Free text for people, which nobody asks for: strings by name.
    private void metadata() {
        Set<String> keys = new HashSet<>();
        json.next(JsonToken.START_OBJECT, "'{'", "name=" + METADATA + ", ");
        while (json.next() != JsonToken.END_OBJECT) {
            String key = json.text();
            String named = "name=" + METADATA + ", key=" + GgufCursor.printable(key) + ", ";
            if (!keys.add(key)) {
                throw json.refusal("must have a key once", named + "found=again", json.position());
            }
            json.next(JsonToken.VALUE_STRING, "a string", named);
        }
    }

    private void tensor(String name, long offset) {
        String named = "tensor=" + GgufCursor.printable(name);
        if (name.isEmpty() || name.length() > MAX_NAME) {
            throw refusal(
                    "tensor name must have 1 to " + MAX_NAME + " characters",
                    named + ", characters=" + name.length(),
                    offset);
        }
        if (places.size() == MAX_TENSORS) {
            throw refusal("header must not exceed its bound of tensors", named + ", bound=" + MAX_TENSORS, offset);
        }
        if (!names.add(name)) {
            throw refusal("tensor name must be unique", named, offset);
        }
        SafetensorsType type = null;
        long[] shape = null;
        long[] ends = null;
        json.next(JsonToken.START_OBJECT, "'{'", named + ", ");
        while (json.next() != JsonToken.END_OBJECT) {
            String key = json.text();
            String keyed = named + ", key=" + GgufCursor.printable(key) + ", ";
            long at = json.position();
            json.next();
            boolean again =
                    switch (key) {
                        case "dtype" -> type != null;
                        case "shape" -> shape != null;
                        case "data_offsets" -> ends != null;
                        default -> false;
                    };
            if (again) {
                throw json.refusal("must have a key once", keyed + "found=again", at);
            }
            switch (key) {
                case "dtype" -> type = type(keyed);
                case "shape" -> shape = numbers("a size", MAX_DIMENSIONS, keyed);
                case "data_offsets" -> ends = numbers("an offset", 2, keyed);
                default -> json.skip(); // The format may grow; nothing else places a tensor.
            }
        }
        if (type == null || shape == null || ends == null || ends.length != 2) {
            throw refusal(
                    "tensor must have dtype, shape and two data_offsets",
                    named + ", dtype=" + type + ", shape=" + Arrays.toString(shape) + ", data_offsets="
                            + Arrays.toString(ends),
                    offset);
        }
        places.add(place(name, type, shape, ends, offset));
    }

    private SafetensorsType type(String keyed) {
        json.require(json.current() == JsonToken.VALUE_STRING, "a string", keyed);
        String name = json.text();
        return SafetensorsType.of(name)
                .orElseThrow(() -> json.refusal(
                        "must have a known dtype here",
                        keyed + "found=" + GgufCursor.printable(name) + ", known="
                                + Arrays.toString(SafetensorsType.values()),
                        json.position()));
    }

    /// An array of at most `most` numbers that are not negative.
    private long[] numbers(String what, int most, String keyed) {
        json.require(json.current() == JsonToken.START_ARRAY, "'['", keyed);
        long[] numbers = new long[most];
        int count = 0;
        while (json.next() != JsonToken.END_ARRAY) {
            if (count == most) {
                throw json.refusal(
                        "must have at most " + most + " numbers here", keyed + "found=more", json.position());
            }
            numbers[count++] = json.natural(what, keyed);
        }
        return Arrays.copyOf(numbers, count);
    }

    private Place place(String name, SafetensorsType type, long[] shape, long[] ends, long offset) {
        String named = "tensor=" + GgufCursor.printable(name);
        long available = bytes.size() - dataStart;
        if (ends[0] > ends[1] || ends[1] > available) {
            throw refusal(
                    "tensor must lie inside the file",
                    named + ", begin=" + ends[0] + ", end=" + ends[1] + ", dataBytes=" + available,
                    offset);
        }
        long bits = type.bits();
        for (long size : shape) {
            if (Math.multiplyHigh(bits, size) != 0 || bits * size < 0) {
                throw refusal(
                        "tensor size must fit 63 bits",
                        named + ", dtype=" + type + ", shape=" + Arrays.toString(shape),
                        offset);
            }
            bits *= size;
        }
        if (bits % Byte.SIZE != 0 || bits / Byte.SIZE != ends[1] - ends[0]) {
            throw refusal(
                    "tensor must have the bytes of its shape",
                    named + ", dtype=" + type + ", shape=" + Arrays.toString(shape) + ", bits=" + bits + ", begin="
                            + ends[0] + ", end=" + ends[1],
                    offset);
        }
        MemorySegment data = bytes.mapped().asSlice(dataStart + ends[0], ends[1] - ends[0]);
        return new Place(new StoredTensor(name, type, shape, data, bytes.path(), offset), ends[0], ends[1]);
    }

    private List<StoredTensor> inOrder() {
        places.sort(Comparator.comparingLong(Place::begin).thenComparingLong(Place::end));
        List<StoredTensor> tensors = new ArrayList<>(places.size());
        long end = 0;
        for (Place place : places) {
            if (place.begin() != end) {
                throw place.tensor()
                        .refusal(
                                place.begin() < end
                                        ? "tensors must not overlap"
                                        : "tensors must follow each other without a gap",
                                "tensor=" + place.tensor().printableName() + ", begin=" + place.begin() + ", endBefore="
                                        + end);
            }
            end = place.end();
            tensors.add(place.tensor());
        }
        if (dataStart + end != bytes.size()) {
            throw refusal(
                    "file must end with its last tensor",
                    "end=" + (dataStart + end) + ", fileBytes=" + bytes.size(),
                    dataStart + end);
        }
        return tensors;
    }

    private ModelFileException refusal(String whatMustHold, String values, long offset) {
        return new ModelFileException(whatMustHold + ": " + values + ", file=" + bytes.path() + ", offset=" + offset);
    }
}
