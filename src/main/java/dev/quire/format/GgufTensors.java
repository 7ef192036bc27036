package dev.quire.format;

import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
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

    /// Where `start` counts from the beginning of the file and `offset` is where the description says so.
    private record Place(Description description, long start, long end) {}

    private record Description(
            String name, TensorType type, long rows, long columns, long bytes, long dataOffset, long offset) {
        String named() {
            return "tensor=" + GgufCursor.printable(name);
        }
    }

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
                throw cursor.refusal("tensor name must be unique", description.named(), offset);
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
        String named = "tensor=" + GgufCursor.printable(name);
        if (name.isEmpty()) {
            throw cursor.refusal("tensor name must not be empty", named, nameOffset);
        }
        long dimensionsOffset = cursor.position();
        int dimensions = cursor.int32("dimensions of a tensor");
        if (dimensions < 1 || dimensions > MAX_DIMENSIONS) {
            throw cursor.refusal(
                    "tensor must have 1 to " + MAX_DIMENSIONS + " dimensions",
                    "dimensions=" + Integer.toUnsignedString(dimensions) + ", " + named,
                    dimensionsOffset);
        }
        long columns = size(named);
        long rows = 1;
        for (int i = 1; i < dimensions; i++) {
            long at = cursor.position();
            long size = size(named);
            if (Math.multiplyHigh(rows, size) != 0 || rows * size < 0) {
                throw cursor.refusal(
                        "tensor size must fit 63 bits", "rows=" + rows + ", size=" + size + ", " + named, at);
            }
            rows *= size;
        }
        TensorType type = type(named);
        if (columns % type.blockElements() != 0) {
            throw cursor.refusal(
                    "row length must be a multiple of the type's block",
                    "columns=" + columns + ", blockElements=" + type.blockElements() + ", type=" + type + ", " + named,
                    dimensionsOffset);
        }
        long bytes = bytes(type, rows, columns, named, dimensionsOffset);
        long dataOffset = cursor.uint64("tensor offset");
        return new Description(name, type, rows, columns, bytes, dataOffset, cursor.position() - Long.BYTES);
    }

    private long size(String named) {
        long at = cursor.position();
        long size = cursor.uint64("tensor size");
        if (size == 0) {
            throw cursor.refusal("tensor size must be positive", "size=0, " + named, at);
        }
        return size;
    }

    private long bytes(TensorType type, long rows, long columns, String named, long offset) {
        try {
            return Math.multiplyExact(rows, type.rowBytes(columns));
        } catch (ArithmeticException e) {
            throw cursor.refusal(
                    "tensor bytes must fit 63 bits",
                    "rows=" + rows + ", columns=" + columns + ", type=" + type + ", " + named,
                    offset);
        }
    }

    private TensorType type(String named) {
        long at = cursor.position();
        int id = cursor.int32("tensor type");
        for (TensorType type : TensorType.values()) {
            if (type.id() == id) {
                return type;
            }
        }
        throw cursor.refusal(
                "tensor type must be one of F32, F16, Q4_1, Q8_0",
                "type=" + Integer.toUnsignedString(id) + " (" + unsupportedName(id) + "), " + named,
                at);
    }

    private Place place(Description d, long dataStart) {
        if (d.dataOffset() % alignment != 0) {
            throw cursor.refusal(
                    "tensor offset must be a multiple of the alignment",
                    "dataOffset=" + d.dataOffset() + ", alignment=" + alignment + ", " + d.named(),
                    d.offset());
        }
        long available = file.byteSize() - dataStart;
        if (d.dataOffset() > available || d.bytes() > available - d.dataOffset()) {
            throw cursor.refusal(
                    "tensor must lie inside the file",
                    "dataOffset=" + d.dataOffset() + ", bytes=" + d.bytes() + ", dataStart=" + dataStart
                            + ", fileBytes=" + file.byteSize() + ", " + d.named(),
                    d.offset());
        }
        long start = dataStart + d.dataOffset();
        return new Place(d, start, start + d.bytes());
    }

    private void refuseOverlap(List<Place> places) {
        List<Place> sorted = new ArrayList<>(places);
        sorted.sort(Comparator.comparingLong(Place::start));
        for (int i = 1; i < sorted.size(); i++) {
            Place before = sorted.get(i - 1);
            Place after = sorted.get(i);
            if (after.start() < before.end()) {
                throw cursor.refusal(
                        "tensors must not overlap",
                        after.description().named() + ", start=" + after.start() + ", other="
                                + GgufCursor.printable(before.description().name()) + ", otherEnd=" + before.end(),
                        after.description().offset());
            }
        }
    }

    /// The name that users know for a type we do not read (`ggml_type` in ggml.h).
    private static String unsupportedName(int id) {
        return switch (id) {
            case 2 -> "Q4_0";
            case 6 -> "Q5_0";
            case 7 -> "Q5_1";
            case 9 -> "Q8_1";
            case 10 -> "Q2_K";
            case 11 -> "Q3_K";
            case 12 -> "Q4_K";
            case 13 -> "Q5_K";
            case 14 -> "Q6_K";
            case 15 -> "Q8_K";
            case 16, 17, 18, 19, 20, 21, 22, 23, 29 -> "an IQ type";
            case 24, 25, 26, 27 -> "an integer type";
            case 28 -> "F64";
            case 30 -> "BF16";
            case 34, 35 -> "a ternary type";
            case 39 -> "MXFP4";
            default -> "unknown";
        };
    }
}
