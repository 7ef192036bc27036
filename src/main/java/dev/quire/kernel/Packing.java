package dev.quire.kernel;

import java.nio.file.Path;

/// What became of a model's weights as a backend took them over.
///
/// @param file of the packed form; null where none was asked for
/// @param bytes of the packed form
/// @param reason why no file could be written, or empty
public record Packing(Kind kind, Path file, long bytes, String reason) {
    public enum Kind {
        /// An earlier process packed them; the file is mapped.
        MAPPED,
        /// This process packed them into the file, which is mapped.
        WRITTEN,
        /// This process packed them into its own memory.
        MEMORY
    }
}
