package dev.quire.tokenizer;

import dev.quire.format.GgufFile;
import dev.quire.format.HuggingFaceFolder;
import dev.quire.format.ModelFile;
import dev.quire.format.ModelMetadata;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/// Text ↔ token ids of one model. Immutable and thread-safe.
///
/// Encoding: names of added tokens are cut out first ({@link AddedTokens}); what stands between them is normalized and
/// encoded, by byte-level BPE ({@link ByteLevelEncoder}) or SentencePiece's BPE ({@link SentencePieceEncoder}). Equal,
/// id for id, to Hugging Face tokenizers and sentencepiece on the same vocabulary (`src/test/scripts`). Half of a
/// surrogate pair, which is no character and has no UTF-8 form, is encoded as U+FFFD.
public final class Tokenizer {
    private final TokenizerParts parts;
    private final Vocabulary vocabulary;

    private Tokenizer(TokenizerParts parts) {
        this.parts = parts;
        vocabulary = parts.vocabulary();
    }

    /// Reads vocabulary, merges or scores, and special tokens from the metadata of a GGUF file.
    public static Tokenizer from(ModelMetadata metadata) {
        return new Tokenizer(GgufTokenizer.read(metadata));
    }

    /// Reads `tokenizer.json`, or else `tokenizer.model`, and the files that go with it from a folder in Hugging
    /// Face's layout.
    public static Tokenizer from(Path folder) {
        return new Tokenizer(HuggingFaceTokenizer.read(folder));
    }

    /// Reads the tokenizer of a model, wherever it keeps that.
    public static Tokenizer from(ModelFile model) {
        return switch (model) {
            case GgufFile file -> from(file.metadata());
            case HuggingFaceFolder folder -> from(folder.path());
        };
    }

    /// Number of token ids: 0 … vocabulary - 1.
    public int vocabulary() {
        return vocabulary.size();
    }

    /// Token ids of `text`. Special tokens that stand in the text are always recognised; `addSpecialTokens` adds what
    /// the model asks for at the beginning and end.
    public int[] encode(String text, boolean addSpecialTokens) {
        byte[] bytes = Utf8.bytes(text);
        if (parts.collapsesBlanks()) {
            bytes = Spacing.collapse(bytes);
        }
        var tokens = new TokenBuffer(bytes.length / 3 + 2);
        if (addSpecialTokens) {
            tokens.addAll(parts.first(), parts.first().length);
        }
        encode(bytes, tokens);
        if (addSpecialTokens) {
            tokens.addAll(parts.last(), parts.last().length);
        }
        return tokens.toArray();
    }

    /// The text of `tokens`, special tokens included; bytes that form no UTF-8 character become U+FFFD. Where the
    /// model puts a blank in front of a text, the text loses it.
    public String decode(int[] tokens) {
        int length = 0;
        for (int token : tokens) {
            vocabulary.requireToken(token);
            length = Math.addExact(length, vocabulary.length(token));
        }
        var bytes = new byte[length];
        int position = 0;
        for (int token : tokens) {
            vocabulary.copyBytes(token, bytes, position);
            position += vocabulary.length(token);
        }
        int start = parts.dropsFirstBlank() && length > 0 && bytes[0] == ' ' ? 1 : 0;
        return new String(bytes, start, length - start, StandardCharsets.UTF_8);
    }

    /// The bytes of one token: for a control token its name in UTF-8.
    public byte[] bytes(int token) {
        vocabulary.requireToken(token);
        return vocabulary.bytes(token);
    }

    /// Whether an answer ends at this token (end of text, end of turn).
    public boolean endsGeneration(int token) {
        vocabulary.requireToken(token);
        return parts.ends().get(token);
    }

    /// Whether the token is a control token, which an answer's text does not show.
    public boolean isControl(int token) {
        vocabulary.requireToken(token);
        return vocabulary.type(token) == TokenType.CONTROL;
    }

    /// A decoder for one stream of tokens, which goes on where a prompt ended: a blank at its beginning is text.
    public TokenDecoder decoder() {
        return new TokenDecoder(vocabulary);
    }

    private void encode(byte[] bytes, TokenBuffer tokens) {
        parts.added().split(bytes, 0, bytes.length, new AddedTokens.Parts() {
            @Override
            public void text(int start, int end) {
                encodeText(bytes, start, end, tokens);
            }

            @Override
            public void token(int token) {
                tokens.add(token);
            }
        });
    }

    private void encodeText(byte[] bytes, int start, int end, TokenBuffer tokens) {
        boolean atStart = start == 0;
        if (parts.normalized().isEmpty() && parts.normalization().leaves(bytes, start, end)) {
            parts.encoder().encode(bytes, start, end, atStart, tokens);
            return;
        }
        byte[] normal = parts.normalization().apply(bytes, start, end);
        parts.normalized().split(normal, 0, normal.length, new AddedTokens.Parts() {
            @Override
            public void text(int from, int to) {
                parts.encoder().encode(normal, from, to, atStart && from == 0, tokens);
            }

            @Override
            public void token(int token) {
                tokens.add(token);
            }
        });
    }
}
