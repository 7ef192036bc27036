package dev.quire.format;

import dev.quire.tensor.Tensor;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// An open model: what it says of itself and its tensors, whatever it is stored as. Names and keys are GGUF's.
///
/// Thread-safe: immutable but for {@link #close}, after which no tensor may be read.
public sealed interface ModelFile extends AutoCloseable permits GgufFile, HuggingFaceFolder {
    /// Opens what is at `path`: a folder as Hugging Face's libraries write it, else a GGUF file.
    static ModelFile open(Path path) {
        if (Files.isDirectory(path)) {
            return HuggingFaceFolder.open(path);
        }
        if (SafetensorsFile.isAt(path)) {
            throw new ModelFileException(
                    "a safetensors file must be named by its folder, which has config.json: remedy="
                            + path.toAbsolutePath().normalize().getParent() + ", file=" + path);
        }
        return GgufFile.open(path);
    }

    /// The file, or the folder, that was opened.
    Path path();

    /// What the model is called by where it lies: the file's name without its ending, or the folder's; a commit's
    /// folder, as the hub's cache has it, is called after its repository.
    default String name() {
        Path place = path().toAbsolutePath().normalize();
        String name = String.valueOf(place.getFileName());
        if (name.matches("[0-9a-f]{40}") && place.getParent().getFileName() != null) {
            name = place.getParent().getFileName().toString();
        }
        return name.endsWith(".gguf") ? name.substring(0, name.length() - ".gguf".length()) : name;
    }

    /// The files whose bytes are the tensors': {@link #path} itself, or those in it.
    List<Path> files();

    ModelMetadata metadata();

    /// All tensors, in the order in which they are stored.
    List<Tensor> tensors();

    Optional<Tensor> find(String name);

    default Tensor tensor(String name) {
        return find(name)
                .orElseThrow(() -> new ModelFileException("tensor is missing: tensor=" + name + ", file=" + path()));
    }

    /// A tensor of this file, or rows of one, with a copy of its bytes, up to 1 GiB: what Java reads, since a look at a
    /// mapped file that has become shorter cannot be refused (native kernels can). Itself, where it is not mapped.
    Tensor read(Tensor tensor);

    @Override
    void close();
}
