package dev.quire.format;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Parses the tensor descriptions of a GGUF file and cuts the tensors out of it: first all descriptions, because only
/// their end says where the data starts, then the places, which may neither leave the file nor overlap.
///
/// Not thread-safe: {@link GgufFile#open} owns it.
final class GgufTensors {
    /// Tensors of a file; 126 layers of nine have about 1,100.
    static final int MAX_TENSORS = 1 << 16;

    /// Bytes of the shortest description: length and one byte of name, dimensions, one size, type, offset.
    static final int MIN_DESCRIPTION_BYTES = 8 + 1 + 4 + 8 + 4 + 8;

    /// Bytes of a name, by the specification.
    static final int MAX_NAME_BYTES = 64;

    private static final int MAX_DIMENSIONS = 4;

    /// Where `start` counts from the beginning of the file; in file order.
    private record Place(Description description, long start, long end) implements Comparable<Place> {
        @Override
        public int compareTo(Place other) {
            return Long.compare(start, other.start);
        }
    }

    /// `dataOffset` counts from the start of the data; `offset` is where the file says so.
    private record Description(
            String name, TensorType type, long rows, long columns, long bytes, long dataOffset, long offset) {}

    private final GgufCursor cursor;
    private final MemorySegment file;
    private final long alignment;

    GgufTensors(GgufCursor cursor, MemorySegment file, long alignment) {
        this.cursor = cursor;
        this.file = file;
        this.alignment = alignment;
    }

    List<Tensor> read(int tensors) {
        List<Description> descriptions = new ArrayList<>(tensors);
        Set<String> names = HashSet.newHashSet(tensors);
        for (int i = 0; i < tensors; i++) {
            long offset = cursor.position();
            Description description = description();
            if (!names.add(description.name())) {
                throw cursor.refusal("tensor name must be unique", named(description.name()), offset);
            }
            descriptions.add(description);
        }
        // At most MAX_HEADER_BYTES + MAX_ALIGNMENT: no overflow.
        long dataStart = (cursor.position() + alignment - 1) / alignment * alignment;
        List<Place> places = new ArrayList<>(tensors);
        for (Description description : descriptions) {
            places.add(place(description, dataStart));
        }
        refuseOverlap(places);
        List<Tensor> result = new ArrayList<>(tensors);
        for (Place place : places) {
            Description d = place.description();
            result.add(new Tensor(d.name(), d.type(), d.rows(), d.columns(), file.asSlice(place.start(), d.bytes())));
        }
        return List.copyOf(result);
    }

    private Description description() {
        long nameOffset = cursor.position();
        String name = cursor.string("tensor name", MAX_NAME_BYTES);
        if (name.isEmpty()) {
            throw cursor.refusal("tensor name must not be empty", named(name), nameOffset);
        }
        long dimensionsOffset = cursor.position();
        int dimensions = cursor.int32("dimensions of a tensor");
        if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
            throw cursor.refusal(
                    "tensor must have 1 to " + MAX_DIMENSIONS + " dimensions",
                    "dimensions=" + Integer.toUnsignedString(dimensions) + ", " + named(name),
                    dimensionsOffset);
        }
        long columns = size(name);
        long rows = 1;
        for (int i = 1; i < dimensions; i++) {
            long at = cursor.position();
            long size = size(name);
            if (Math.multiplyHigh(rows, size) != 0 || rows * size < 0) {
                throw cursor.refusal(
                        "tensor size must fit 63 bits", "rows=" + rows + ", size=" + size + ", " + named(name), at);
            }
            rows *= size;
        }
        TensorType type = type(name);
        if (columns % type.blockElements() != 0) {
            throw cursor.refusal(
                    "row length must be a multiple of the type's block",
                    "columns=" + columns + ", blockElements=" + type.blockElements() + ", type=" + type + ", "
                            + named(name),
                    dimensionsOffset);
        }
        long bytes = bytes(type, rows, columns, name, dimensionsOffset);
        long dataOffset = cursor.uint64("tensor offset");
        return new Description(name, type, rows, columns, bytes, dataOffset, cursor.position() - Long.BYTES);
    }

    private long size(String name) {
        long at = cursor.position();
        long size = cursor.uint64("tensor size");
        if (size == 0) {
            throw cursor.refusal("tensor size must be positive", "size=0, " + named(name), at);
        }
        return size;
    }

    private long bytes(TensorType type, long rows, long columns, String name, long offset) {
        try {
            return Math.multiplyExact(rows, type.rowBytes(columns));
        } catch (ArithmeticException e) {
            throw cursor.refusal(
                    "tensor bytes must fit 63 bits",
                    "rows=" + rows + ", columns=" + columns + ", type=" + type + ", " + named(name),
                    offset);
        }
    }

    private TensorType type(String name) {
        long at = cursor.position();
        int id = cursor.int32("tensor type");
        for (TensorType type : TensorType.values()) {
            if (type.id() == id) {
                return type;
            }
        }
        throw cursor.refusal(
                "tensor type must be one of " + String.join(", ", typeNames()),
                "type=" + Integer.toUnsignedString(id) + " (" + unsupportedName(id) + "), " + named(name),
                at);
    }

    private static List<String> typeNames() {
        List<String> names = new ArrayList<>();
        for (TensorType type : TensorType.values()) {
            names.add(type.name());
        }
        return names;
    }

    private Place place(Description d, long dataStart) {
        if (d.dataOffset() % alignment != 0) {
            throw cursor.refusal(
                    "tensor offset must be a multiple of the alignment",
                    "dataOffset=" + d.dataOffset() + ", alignment=" + alignment + ", " + named(d.name()),
                    d.offset());
        }
        long available = file.byteSize() - dataStart;
        if (d.dataOffset() > available || d.bytes() > available - d.dataOffset()) {
            throw cursor.refusal(
                    "tensor must lie inside the file",
                    "dataOffset=" + d.dataOffset() + ", bytes=" + d.bytes() + ", dataStart=" + dataStart
                            + ", fileBytes=" + file.byteSize() + ", " + named(d.name()),
                    d.offset());
        }
        long start = dataStart + d.dataOffset();
        return new Place(d, start, start + d.bytes());
    }

    private void refuseOverlap(List<Place> places) {
        List<Place> sorted = new ArrayList<>(places);
        Collections.sort(sorted);
        for (int i = 1; i < sorted.size(); i++) {
            Place before = sorted.get(i - 1);
            Place after = sorted.get(i);
            if (after.start() < before.end()) {
                throw cursor.refusal(
                        "tensors must not overlap",
                        named(after.description().name()) + ", start=" + after.start() + ", other="
                                + GgufCursor.printable(before.description().name()) + ", otherEnd=" + before.end(),
                        after.description().offset());
            }
        }
    }

    /// Called for refusals only: building these texts for every tensor would be most of what opening a file costs.
    private static String named(String name) {
        return "tensor=" + GgufCursor.printable(name);
    }

    /// The name that users know for a type we do not read (`ggml_type` in ggml.h).
    private static String unsupportedName(int id) {
        return switch (id) {
            case 9 -> "Q8_1";
            case 15 -> "Q8_K";
            case 16 -> "IQ2_XXS";
            case 17 -> "IQ2_XS";
            case 18 -> "IQ3_XXS";
            case 19 -> "IQ1_S";
            case 21 -> "IQ3_S";
            case 22 -> "IQ2_S";
            case 23 -> "IQ4_XS";
            case 24 -> "I8";
            case 25 -> "I16";
            case 26 -> "I32";
            case 27 -> "I64";
            case 28 -> "F64";
            case 29 -> "IQ1_M";
            case 34 -> "TQ1_0";
            case 35 -> "TQ2_0";
            case 40 -> "NVFP4";
            case 41 -> "Q1_0";
            case 4, 5, 31, 32, 33, 36, 37, 38 -> "withdrawn from GGUF";
            default -> "unknown";
        };
    }
}
