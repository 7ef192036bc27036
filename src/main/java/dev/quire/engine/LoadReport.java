package dev.quire.engine;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Optional;

/// How a model was loaded, before the pool was taken.
///
/// - `openNanos`: the model file mapped and checked; `weightsNanos`: its weights packed or mapped, and registered
/// - `tokenizerNanos`, `kernelsNanos`: the tokenizer read; the native library and its context opened
/// - `packing`: what became of the weights; `packedBytes` of them, in `packedFile` if there is one
/// - `residentBytes`: by how much the process's resident memory has grown in all of this
public record LoadReport(
        Path file,
        long openNanos,
        long tokenizerNanos,
        long kernelsNanos,
        long weightsNanos,
        String packing,
        Optional<Path> packedFile,
        long packedBytes,
        long residentBytes) {
    /// One line for people.
    public String summary() {
        return String.format(
                Locale.ROOT,
                "model mapped in %.0f ms, weights %s in %.0f ms (%.1f MiB), tokenizer in %.0f ms, kernels in %.0f ms,"
                        + " resident +%.1f MiB",
                openNanos / 1e6,
                packing,
                weightsNanos / 1e6,
                packedBytes / 1048576.0,
                tokenizerNanos / 1e6,
                kernelsNanos / 1e6,
                residentBytes / 1048576.0);
    }
}
