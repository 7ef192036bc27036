package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;

/// Reads the tokenizer of a GGUF file from its metadata (`tokenizer.ggml.*`).
final class GgufTokenizer {
    static final String MODEL = "tokenizer.ggml.model";
    static final String SCORES = "tokenizer.ggml.scores";

    /// End of a text or of a turn in known chat formats; the list of llama.cpp (`src/llama-vocab.cpp`).
    static final Set<String> END_NAMES = Set.of(
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

    /// GGUF does not say which tokens take the white space behind them. Phi-3's do but for these, as in its
    /// `tokenizer.json`; llama.cpp knows it by its name, too.
    private static final Set<String> PHI3_PLAIN = Set.of("<unk>", "<s>", "<|endoftext|>");

    /// Kinds of vocabularies, by their names in GGUF.
    enum Kind {
        /// Byte-level BPE.
        GPT2("gpt2"),
        /// SentencePiece's BPE, by scores.
        LLAMA("llama"),
        /// SentencePiece's BPE, by ranks of pairs.
        GEMMA4("gemma4");

        private final String ggufName;

        Kind(String ggufName) {
            this.ggufName = ggufName;
        }

        static Kind of(ModelMetadata metadata) {
            String name = metadata.string(MODEL);
            return Arrays.stream(values())
                    .filter(kind -> kind.ggufName.equals(name))
                    .findFirst()
                    .orElseThrow(() -> new ModelFileException("tokenizer model must be one of "
                            + Arrays.stream(values()).map(kind -> kind.ggufName).collect(Collectors.joining(", "))
                            + ": " + MODEL + "=" + Names.quoted(name) + ", file=" + metadata.file()));
        }
    }

    private final ModelMetadata metadata;
    private final Kind kind;
    private final Vocabulary vocabulary;
    private final Map<String, Integer> ids;
    private final SpecialIds special;

    private GgufTokenizer(ModelMetadata metadata, ByteAlphabet alphabet) {
        this.metadata = metadata;
        kind = Kind.of(metadata);
        vocabulary = Vocabulary.from(
                metadata, kind == Kind.GPT2 ? Vocabulary.byteLevel(alphabet) : Vocabulary.sentencePiece());
        ids = vocabulary.ids(metadata.file());
        special = SpecialIds.from(metadata, vocabulary.size());
        if (metadata.has(SCORES)) {
            // Also where ranks decide.
            ScoredPieces.requireScores(vocabulary, metadata.numbers(SCORES), metadata.file());
        }
    }

    static TokenizerParts read(ModelMetadata metadata) {
        var alphabet = new ByteAlphabet();
        var tokenizer = new GgufTokenizer(metadata, alphabet);
        return tokenizer.parts(tokenizer.encoder(alphabet));
    }

    private TokenizerParts parts(TextEncoder encoder) {
        boolean byteLevel = kind == Kind.GPT2;
        boolean addsBos = !byteLevel || GgufPreTokenizer.from(metadata).beginsTexts();
        boolean composes = byteLevel && GgufPreTokenizer.from(metadata).composes();
        List<AddedToken> normalized = addedTokens(true);
        return new TokenizerParts(
                vocabulary,
                new AddedTokens(addedTokens(false)),
                new AddedTokens(normalized),
                new Normalization(composes, false, !normalized.isEmpty()),
                kind == Kind.LLAMA && metadata.flag("tokenizer.ggml.remove_extra_whitespaces", false),
                encoder,
                around("add_bos_token", addsBos, special.bos()),
                around("add_eos_token", false, special.eos()),
                ends(),
                !byteLevel && prefix() != Spacing.Prefix.NEVER);
    }

    private TextEncoder encoder(ByteAlphabet alphabet) {
        return switch (kind) {
            case GPT2 -> byteLevel(alphabet);
            case LLAMA -> {
                refuseCharacterMap();
                yield pieces(ScoredPieces.of(vocabulary, metadata.numbers(SCORES), metadata.file()));
            }
            case GEMMA4 -> pieces(RankedPieces.of(MergeTable.from(metadata, ids), vocabulary));
        };
    }

    private ByteLevelEncoder byteLevel(ByteAlphabet alphabet) {
        GgufPreTokenizer named = GgufPreTokenizer.from(metadata);
        Optional<WholeTokens> whole =
                named.takesWholeTokens() ? Optional.of(new WholeTokens(vocabulary, alphabet)) : Optional.empty();
        MergeTable merges = MergeTable.from(metadata, ids);
        return new ByteLevelEncoder(
                named.compile(), new BytePairEncoder(merges, alphabet, ids, whole, metadata.file()), false);
    }

    private SentencePieceEncoder pieces(PairMerges merges) {
        return new SentencePieceEncoder(
                merges,
                CharacterCuts.of(vocabulary),
                new Spacing(prefix(), false),
                false,
                new SentencePieceEncoder.Unknown(
                        SentencePieceEncoder.byteTokens(vocabulary),
                        special.unknown().orElse(PairMerges.NO_TOKEN),
                        true));
    }

    private Spacing.Prefix prefix() {
        boolean prefixed = metadata.flag("tokenizer.ggml.add_space_prefix", kind == Kind.LLAMA);
        return prefixed ? Spacing.Prefix.FIRST : Spacing.Prefix.NEVER;
    }

    /// Control, unknown and user-defined tokens. SentencePiece looks for user-defined ones in a text whose blanks are
    /// written as ▁; files have their names in either form.
    private List<AddedToken> addedTokens(boolean normalized) {
        boolean isPhi3 = isPhi3();
        List<AddedToken> added = new ArrayList<>();
        for (int token = 0; token < vocabulary.size(); token++) {
            String name = vocabulary.name(token);
            if (vocabulary.type(token).isAdded() && isNormalized(token) == normalized) {
                boolean strips = isPhi3 && !PHI3_PLAIN.contains(name);
                added.add(new AddedToken(normalized ? name.replace(' ', '▁') : name, token, false, strips, false));
            }
        }
        return added;
    }

    private boolean isNormalized(int token) {
        String name = vocabulary.name(token);
        return kind != Kind.GPT2
                && vocabulary.type(token) == TokenType.USER_DEFINED
                && (name.indexOf(' ') >= 0 || name.indexOf('▁') >= 0);
    }

    private boolean isPhi3() {
        if (kind != Kind.LLAMA || !(metadata.values().get("general.name") instanceof String name)) {
            return false;
        }
        String lower = name.toLowerCase(Locale.ROOT);
        return lower.contains("phi-3") || lower.contains("phi3");
    }

    private int[] around(String flag, boolean otherwise, OptionalInt token) {
        String key = "tokenizer.ggml." + flag;
        if (!metadata.flag(key, otherwise && token.isPresent())) {
            return new int[0];
        }
        return new int[] {
            token.orElseThrow(() -> new ModelFileException(
                    "a token to add must be named: key=" + key + ", value=true, file=" + metadata.file()))
        };
    }

    private BitSet ends() {
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

    /// SentencePiece's table of Unicode normalization, which only vocabularies of other kinds have in GGUF.
    private void refuseCharacterMap() {
        String key = "tokenizer.ggml.precompiled_charsmap";
        if (metadata.has(key) && metadata.integers(key).length > 0) {
            throw new ModelFileException("text must need no normalization: key=" + key + ", bytes="
                    + metadata.integers(key).length + ", file=" + metadata.file());
        }
    }
}
