package dev.quire.store;

import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.zip.CRC32;

/// Names the files in which packed weights are kept: one for each state of a model's files and each packed layout, in
/// the folder `packed` of the cache.
///
/// A state is told by the files' sizes, the times of their last change (in whole seconds: archives and container
/// layers keep no more), what their headers say of each tensor, and samples of the contents. Checksums, not digests:
/// the name guards against mistakes, and whoever may write into the cache folder is trusted.
public final class PackedStore {
    private static final int SAMPLES = 32;
    private static final int SAMPLE_BYTES = 4096;

    private final Path folder;

    /// A store in `home`, which is there or can be made.
    public PackedStore(Path home) {
        folder = home.resolve("packed");
    }

    /// Where the packed weights of `model` belong in the layout of that number. Reads 128 KiB of each of its files.
    public Path file(ModelFile model, int layout) {
        try {
            return folder.resolve(prefix(model) + String.format("%016x", state(model)) + "-l" + layout + ".pack");
        } catch (IOException e) {
            throw new ModelFileException(
                    "model file must be readable: reason=" + ModelFileException.printable(e.toString()) + ", file="
                            + model.path(),
                    e);
        }
    }

    /// Removes what was packed from former states of `model`, which nobody will ask for again. A process that has one
    /// mapped keeps it until it ends.
    public void removeFormer(ModelFile model, Path kept) {
        try (DirectoryStream<Path> packed = Files.newDirectoryStream(folder, prefix(model) + "*.pack")) {
            for (Path file : packed) {
                if (!file.getFileName().equals(kept.getFileName())) {
                    Files.deleteIfExists(file);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /// Stands for the model's place: what is packed from a file is not what is packed from another of that name.
    private static String prefix(ModelFile model) throws IOException {
        Path real = model.path().toRealPath();
        CRC32 place = new CRC32();
        place.update(real.toString().getBytes(StandardCharsets.UTF_8));
        String name = real.getFileName().toString().replaceAll("[^A-Za-z0-9._-]", "_");
        String stem = name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
        return stem.substring(0, Math.min(stem.length(), 100)) + "-" + String.format("%08x", place.getValue()) + "-";
    }

    private static long state(ModelFile model) throws IOException {
        CRC32 described = new CRC32();
        for (Tensor tensor : model.tensors()) {
            String line = tensor.name() + ' ' + tensor.type() + ' ' + tensor.rows() + ' ' + tensor.columns() + '\n';
            described.update(line.getBytes(StandardCharsets.UTF_8));
        }
        CRC32 contents = new CRC32();
        for (Path file : model.files()) {
            long seconds = Files.getLastModifiedTime(file).toMillis() / 1000;
            described.update((Files.size(file) + " " + seconds + "\n").getBytes(StandardCharsets.UTF_8));
            sample(file, contents);
        }
        return described.getValue() << 32 | contents.getValue();
    }

    private static void sample(Path file, CRC32 contents) throws IOException {
        ByteBuffer sample = ByteBuffer.allocate(SAMPLE_BYTES);
        try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
            long last = Math.max(0, channel.size() - SAMPLE_BYTES);
            for (int i = 0; i < SAMPLES; i++) {
                channel.read(sample.clear(), last * i / (SAMPLES - 1));
                contents.update(sample.flip());
            }
        }
    }
}
