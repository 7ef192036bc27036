package dev.quire.format;

import dev.quire.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/// An open model: what it says of itself and its tensors, whatever it is stored as. Names and keys are GGUF's.
///
/// Thread-safe: immutable but for {@link #close}, after which no tensor may be read.
public sealed interface ModelFile extends AutoCloseable permits GgufFile {
    /// The file, or the folder, that was opened.
    Path path();

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

    @Override
    void close();
}
