package dev.quire.format;

import dev.quire.format.HuggingFaceArchitecture.Sizes;
import dev.quire.format.HuggingFaceTensors.Form;
import dev.quire.format.HuggingFaceTensors.Part;
import dev.quire.tensor.Dequantizer;
import dev.quire.tensor.Tensor;
import dev.quire.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.AbstractList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Stream;

/// An open folder as Hugging Face's libraries write it (`config.json` and safetensors files), under GGUF's names and
/// keys: what reads a {@link GgufFile} reads this.
///
/// Matrices are used where they are mapped. What GGUF stores otherwise ({@link Form}) is converted when it is first
/// asked for, into memory of this folder.
///
/// Nothing in the folder is trusted: {@link #open} checks everything before it returns and refuses with a
/// {@link ModelFileException}; after that, every tensor that the model needs is there.
///
/// Thread-safe: immutable but for {@link #close}, after which no tensor may be read. The files must not be shortened
/// while they are open.
public final class HuggingFaceFolder implements ModelFile {
    private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT;
    private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
    private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;

    /// Rows and columns of a square that is transposed at a time, so that both sides stay in the first cache.
    private static final long SQUARE = 32;

    /// Bytes of a matrix that are read at a time.
    private static final long READ_BYTES = 1 << 20;

    private final Path path;
    private final OpenFiles files;
    private final Shards shards;
    private final ModelMetadata metadata;
    private final Map<String, Part> parts;
    private final List<Part> inOrder;
    private final List<String> names;
    private final Map<String, Tensor> converted = new ConcurrentHashMap<>();

    private HuggingFaceFolder(Path path, OpenFiles files) {
        this.path = path;
        this.files = files;
        var config = HuggingFaceConfig.read(path.resolve("config.json"));
        var architecture = HuggingFaceArchitecture.of(config);
        Sizes sizes = architecture.sizes(architecture.textConfig(config));
        Map<String, float[]> factors = new LinkedHashMap<>();
        this.metadata = new HuggingFaceMetadata(architecture, config, sizes).read(name(), factors);
        this.shards = Shards.open(path, files);
        this.parts = new HuggingFaceTensors(architecture, config, sizes, shards, files).bind();
        this.inOrder = inOrder();
        this.names = Stream.concat(factors.keySet().stream(), inOrder.stream().map(Part::name))
                .toList();
        factors.forEach((name, values) -> converted.put(name, vector(name, values)));
    }

    /// Maps and checks the model in a folder.
    public static HuggingFaceFolder open(Path path) {
        if (!Files.isRegularFile(path.resolve("config.json"))) {
            throw new ModelFileException("folder must have config.json: file=" + path);
        }
        var files = new OpenFiles();
        try {
            return new HuggingFaceFolder(path, files);
        } catch (Throwable e) {
            files.close();
            throw e;
        }
    }

    @Override
    public Path path() {
        return path;
    }

    @Override
    public ModelMetadata metadata() {
        return metadata;
    }

    @Override
    public List<Path> files() {
        return shards.files().stream().map(SafetensorsFile::path).toList();
    }

    /// Bytes of those files.
    public long bytes() {
        return shards.bytes();
    }

    /// The tensors that the model uses as they are stored, in the order of files and data.
    public List<StoredTensor> stored() {
        return inOrder.stream().map(Part::stored).toList();
    }

    /// All tensors, in the order in which they are stored; each is converted when it is looked at.
    @Override
    public List<Tensor> tensors() {
        return new AbstractList<>() {
            @Override
            public Tensor get(int index) {
                return tensor(names.get(index));
            }

            @Override
            public int size() {
                return names.size();
            }
        };
    }

    @Override
    public Optional<Tensor> find(String name) {
        Part part = parts.get(name);
        if (part == null) {
            return Optional.ofNullable(converted.get(name));
        }
        StoredTensor stored = part.stored();
        boolean asStored =
                part.form() == Form.MATRIX || part.form() == Form.VECTOR && stored.weightType() == TensorType.F32;
        return Optional.of(
                asStored
                        ? stored.as(name, part.rows(), part.columns())
                        : converted.computeIfAbsent(name, _ -> convert(part)));
    }

    @Override
    public Tensor read(Tensor tensor) {
        return files.read(tensor);
    }

    /// Unmaps the files. Closing twice is allowed.
    @Override
    public void close() {
        files.close();
    }

    private List<Part> inOrder() {
        Map<String, Part> byStoredName = HashMap.newHashMap(parts.size());
        parts.values().forEach(part -> byStoredName.put(part.stored().name(), part));
        return shards.tensors().keySet().stream()
                .filter(byStoredName::containsKey)
                .map(byStoredName::get)
                .toList();
    }

    private Tensor convert(Part part) {
        return switch (part.form()) {
            case MATRIX, VECTOR -> vector(part.name(), values(part, 0));
            case NORM_ABOVE_ONE -> vector(part.name(), values(part, 1));
            case TRANSPOSED -> transposed(part);
        };
    }

    private float[] values(Part part, float added) {
        float[] values = new float[Math.toIntExact(part.columns())];
        Dequantizer.readRow(read(part.stored().as(part.name(), 1, part.columns())), 0, values);
        for (int i = 0; i < values.length; i++) {
            values[i] = added + values[i];
        }
        return values;
    }

    private Tensor vector(String name, float[] values) {
        MemorySegment data = files.arena().allocateFrom(FLOAT, values);
        return new Tensor(name, TensorType.F32, 1, values.length, data);
    }

    /// Columns of the result are rows of the file, which are read some at a time.
    private Tensor transposed(Part part) {
        TensorType type = part.stored().weightType();
        MemorySegment data = part.stored().data();
        MemorySegment to = files.arena().allocate(data.byteSize(), Long.BYTES);
        long rows = part.rows();
        long columns = part.columns();
        long columnBytes = type.rowBytes(rows);
        long step = Math.max(SQUARE, READ_BYTES / columnBytes / SQUARE * SQUARE);
        for (long first = 0; first < columns; first += step) {
            long count = Math.min(step, columns - first);
            var from = MemorySegment.ofArray(files.read(data.asSlice(first * columnBytes, count * columnBytes)));
            for (long column = 0; column < count; column += SQUARE) {
                for (long row = 0; row < rows; row += SQUARE) {
                    for (long r = row; r < Math.min(row + SQUARE, rows); r++) {
                        for (long c = column; c < Math.min(column + SQUARE, count); c++) {
                            long at = r * columns + first + c;
                            long stored = c * rows + r;
                            if (type == TensorType.F32) {
                                to.setAtIndex(INT, at, from.getAtIndex(INT, stored));
                            } else {
                                to.setAtIndex(SHORT, at, from.getAtIndex(SHORT, stored));
                            }
                        }
                    }
                }
            }
        }
        return new Tensor(part.name(), type, rows, columns, to);
    }
}
