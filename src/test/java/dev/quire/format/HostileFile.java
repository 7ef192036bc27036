package dev.quire.format;

/// A bad file of {@link HostileGguf} or {@link HostileModel}.
///
/// - `name`: of the file, without suffix; says what is wrong
/// - `bytes`: its contents
/// - `found`: when it is found
/// - `message`: the beginning of the line that says so
public record HostileFile(String name, byte[] bytes, Found found, String message) {
    public enum Found {
        /// By {@link GgufFile#open}; the line has file and offset.
        OPENING,
        /// When the array is read that is wrong; the line has file and offset.
        READING,
        /// When the model is put together: tokenizer, shape, tensors; the line has the file.
        LOADING,
        /// When it is to be served: as a file it is a good vocabulary.
        SERVING,
        /// When the model computes: its numbers are no numbers.
        COMPUTING
    }

    @Override
    public String toString() {
        return name;
    }
}
