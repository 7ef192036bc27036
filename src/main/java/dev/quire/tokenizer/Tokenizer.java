package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.nio.charset.StandardCharsets;
import java.util.BitSet;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;

/// Text ↔ token ids of one model. Immutable and thread-safe.
///
/// Encoding: names of added tokens are cut out first ({@link AddedTokens}), what stands between them is cut into
/// pieces ({@link PreTokenizer}), and the bytes of each piece are merged ({@link BytePairEncoder}). Equal, id for id,
/// to Hugging Face tokenizers on the same vocabulary (`src/test/scripts/tokenizer_vectors.py`). Half of a surrogate
/// pair, which is no character and has no UTF-8 form, is encoded as U+FFFD.
public final class Tokenizer {
    /// End of a text or of a turn in known chat formats; the list of llama.cpp (`src/llama-vocab.cpp`).
    private static final Set<String> END_NAMES = Set.of(
            "<|endoftext|>",
            "<|im_end|>",
            "<|eot_id|>",
            "<|eom_id|>",
            "<|end|>",
            "<|return|>",
            "<|call|>",
            "<|end_of_text|>",
            "<end_of_turn>",
            "<end_of_utterance>",
            "<|end_of_sentence|>",
            "<EOT>",
            "[EOT]",
            "[EOS]",
            "</s>");

    private final Vocabulary vocabulary;
    private final PreTokenizer preTokenizer;
    private final BytePairEncoder encoder;
    private final AddedTokens addedTokens;
    private final BitSet ends;
    private final OptionalInt first; // added at the beginning
    private final OptionalInt last; // added at the end

    private Tokenizer(ModelMetadata metadata) {
        String model = metadata.string("tokenizer.ggml.model");
        if (!model.equals("gpt2")) {
            throw new ModelFileException("tokenizer model must be gpt2: tokenizer.ggml.model=" + Names.quoted(model)
                    + ", file=" + metadata.file());
        }
        var alphabet = new ByteAlphabet();
        preTokenizer = PreTokenizer.from(metadata);
        vocabulary = Vocabulary.from(metadata, alphabet);
        Map<String, Integer> ids = vocabulary.ids(metadata.file());
        encoder = new BytePairEncoder(MergeTable.from(metadata, ids), alphabet, ids, metadata.file());
        addedTokens = new AddedTokens(vocabulary);
        SpecialIds special = SpecialIds.from(metadata, vocabulary.size());
        ends = ends(special, ids);
        first = added(metadata, "add_bos_token", special.bos());
        last = added(metadata, "add_eos_token", special.eos());
    }

    /// Reads vocabulary, merges, pre-tokenizer and special tokens from a model file's metadata.
    public static Tokenizer from(ModelMetadata metadata) {
        return new Tokenizer(metadata);
    }

    /// Number of token ids: 0 … vocabulary - 1.
    public int vocabulary() {
        return vocabulary.size();
    }

    /// Token ids of `text`. Special tokens that stand in the text are always recognised; `addSpecialTokens` adds what
    /// the model's metadata asks for at the beginning and end (`add_bos_token`, `add_eos_token`).
    public int[] encode(String text, boolean addSpecialTokens) {
        byte[] bytes = utf8(text);
        var tokens = new TokenBuffer(bytes.length / 3 + 2);
        if (addSpecialTokens && first.isPresent()) {
            tokens.add(first.getAsInt());
        }
        int start = 0;
        int i = 0;
        while (i < bytes.length) {
            int token = addedTokens.longestAt(bytes, i);
            if (token < 0) {
                i++;
            } else {
                encodePieces(bytes, start, i, tokens);
                tokens.add(token);
                i += vocabulary.length(token);
                start = i;
            }
        }
        encodePieces(bytes, start, bytes.length, tokens);
        if (addSpecialTokens && last.isPresent()) {
            tokens.add(last.getAsInt());
        }
        return tokens.toArray();
    }

    /// The text of `tokens`, special tokens included; bytes that form no UTF-8 character become U+FFFD.
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
        return new String(bytes, StandardCharsets.UTF_8);
    }

    /// The bytes of one token: for a control token its name in UTF-8.
    public byte[] bytes(int token) {
        vocabulary.requireToken(token);
        return vocabulary.bytes(token);
    }

    /// Whether an answer ends at this token (end of text, end of turn).
    public boolean endsGeneration(int token) {
        vocabulary.requireToken(token);
        return ends.get(token);
    }

    /// Whether the token is a control token, which an answer's text does not show.
    public boolean isControl(int token) {
        vocabulary.requireToken(token);
        return vocabulary.type(token) == TokenType.CONTROL;
    }

    /// A decoder for one stream of tokens.
    public TokenDecoder decoder() {
        return new TokenDecoder(vocabulary);
    }

    private void encodePieces(byte[] bytes, int start, int end, TokenBuffer tokens) {
        int piece = start;
        while (piece < end) {
            int next = preTokenizer.pieceEnd(bytes, piece, end);
            encoder.encode(bytes, piece, next, tokens);
            piece = next;
        }
    }

    private BitSet ends(SpecialIds special, Map<String, Integer> ids) {
        var found = new BitSet(vocabulary.size());
        special.eos().ifPresent(found::set);
        special.eot().ifPresent(found::set);
        special.eom().ifPresent(found::set);
        for (String name : END_NAMES) {
            Integer token = ids.get(name);
            if (token != null && vocabulary.type(token) == TokenType.CONTROL) {
                found.set(token);
            }
        }
        return found;
    }

    private static OptionalInt added(ModelMetadata metadata, String flag, OptionalInt token) {
        String key = "tokenizer.ggml." + flag;
        if (!metadata.flag(key, false)) {
            return OptionalInt.empty();
        }
        if (token.isEmpty()) {
            throw new ModelFileException(
                    "a token to add must be named: key=" + key + ", value=true, file=" + metadata.file());
        }
        return token;
    }

    /// `String.getBytes` would write `?` for half of a surrogate pair.
    private static byte[] utf8(String text) {
        int lone = loneSurrogate(text, 0);
        if (lone < 0) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
        var repaired = new StringBuilder(text);
        for (; lone >= 0; lone = loneSurrogate(text, lone + 1)) {
            repaired.setCharAt(lone, '\uFFFD');
        }
        return repaired.toString().getBytes(StandardCharsets.UTF_8);
    }

    private static int loneSurrogate(String text, int start) {
        for (int i = start; i < text.length(); i++) {
            char character = text.charAt(i);
            if (Character.isSurrogate(character)) {
                if (Character.isHighSurrogate(character)
                        && i + 1 < text.length()
                        && Character.isLowSurrogate(text.charAt(i + 1))) {
                    i++;
                } else {
                    return i;
                }
            }
        }
        return -1;
    }
}
