package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.Arrays;
import java.util.stream.Collectors;

/// How a text is cut into pieces before merging, by its name in GGUF (`tokenizer.ggml.pre`). Merges never cross a cut.
enum PreTokenizer {
    /// Hugging Face's `ByteLevel` with its regular expression.
    GPT_2("gpt-2", new Gpt2Splitter(false)),
    /// Hugging Face's `Digits` (one by one), then `ByteLevel` on each part.
    SMOLLM("smollm", new Gpt2Splitter(true));

    static final String PRE = "tokenizer.ggml.pre";

    private final String ggufName;
    private final Gpt2Splitter splitter;

    PreTokenizer(String ggufName, Gpt2Splitter splitter) {
        this.ggufName = ggufName;
        this.splitter = splitter;
    }

    static PreTokenizer from(ModelMetadata metadata) {
        String name = metadata.string(PRE);
        return Arrays.stream(values())
                .filter(known -> known.ggufName.equals(name))
                .findFirst()
                .orElseThrow(() -> new ModelFileException("pre-tokenizer must be one of "
                        + Arrays.stream(values()).map(known -> known.ggufName).collect(Collectors.joining(", "))
                        + ": " + PRE + "=" + Names.quoted(name) + ", file=" + metadata.file()));
    }

    /// The end of the piece that begins at `start`, in `text[start, end)`, which is UTF-8 and not empty.
    int pieceEnd(byte[] text, int start, int end) {
        return splitter.pieceEnd(text, start, end);
    }
}
