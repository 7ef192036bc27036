package dev.quire.tokenizer;

import dev.quire.format.ModelFileException;
import dev.quire.format.ModelMetadata;
import dev.quire.tokenizer.SplitStep.Behaviour;
import dev.quire.tokenizer.SplitStep.ByteLevel;
import dev.quire.tokenizer.SplitStep.Digits;
import dev.quire.tokenizer.SplitStep.Isolated;
import dev.quire.tokenizer.SplitStep.Punctuation;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/// The pre-tokenizers that GGUF knows by name (`tokenizer.ggml.pre`). The name stands for what tokenizer.json of the
/// model says and GGUF has no key for: the steps of cutting, whether text is brought into normalization form C first,
/// whether a piece that is a token as a whole is taken without merging, and whether a text begins with the token that
/// begins texts unless the file says otherwise.
///
/// Which name stands for which pattern, and the last two, are llama.cpp's (`src/llama-vocab.cpp`); where a model's own
/// tokenizer.json is known to do more (form C, `Digits` instead of `\p{N}`), that is done.
enum GgufPreTokenizer {
    /// Also for a file that names none.
    DEFAULT(
            List.of("default"),
            List.of(
                    new Isolated("[\\p{P}\\$\\+<=>\\^~\\|]+"),
                    new Isolated(ByteLevel.PATTERN),
                    new Isolated("\\p{N}+"),
                    new Isolated("[0-9][0-9][0-9]"))),
    GPT_2(
            List.of(
                    "gpt-2",
                    "phi-2",
                    "gigachat",
                    "a.x-4.0",
                    "mellum",
                    "exaone4",
                    "jais",
                    "trillion",
                    "granite-docling"),
            List.of(new ByteLevel(true))),
    /// GPT-NeoX's vocabulary and its descendants.
    MPT(List.of("mpt", "olmo"), List.of(new ByteLevel(true)), Option.FORM_C),
    SMOLLM(
            List.of("smollm", "starcoder", "refact", "codeshell", "exaone", "minerva-7b", "mellum2"),
            List.of(new Digits(true), new ByteLevel(true))),
    COMMAND_R(List.of("command-r"), List.of(new Digits(true), new ByteLevel(true)), Option.FORM_C),
    FALCON(
            List.of("falcon"),
            List.of(
                    new Punctuation(Behaviour.CONTIGUOUS),
                    new ByteLevel(true),
                    new Digits(false),
                    new Isolated("[0-9][0-9][0-9]"))),
    LLAMA_3(
            List.of("llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
            List.of(new Isolated(Patterns.words("\\p{N}{1,3}"))),
            Option.WHOLE_TOKENS,
            Option.BEGINS),
    GPT_4(List.of("dbrx", "smaug-bpe", "chatglm-bpe"), List.of(new Isolated(Patterns.words("\\p{N}{1,3}")))),
    GLM_4(List.of("glm4", "glm5"), List.of(new Isolated(Patterns.words("\\p{N}{1,3}"))), Option.WHOLE_TOKENS),
    QWEN_2(
            List.of("qwen2", "deepseek-r1-qwen", "f2llmv2", "stablelm2", "hunyuan"),
            List.of(new Isolated(Patterns.words("\\p{N}"))),
            Option.FORM_C),
    GROK_2(List.of("grok-2", "kormo", "megrez", "solar-open"), List.of(new Isolated(Patterns.words("\\p{N}")))),
    QWEN_35(
            List.of("qwen35"),
            List.of(new Isolated(Patterns.CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*"
                    + Patterns.SPACES)),
            Option.FORM_C),
    TEKKEN(List.of("tekken"), List.of(new Isolated(Patterns.cased("", "\\p{N}"))), Option.WHOLE_TOKENS, Option.BEGINS),
    GPT_4O(
            List.of("gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2"),
            List.of(new Isolated(Patterns.cased(Patterns.CONTRACTIONS + "?", "\\p{N}{1,3}")))),
    DEEPSEEK_LLM(
            List.of("deepseek-llm"),
            List.of(
                    new Isolated("[\\r\\n]"),
                    new Isolated("\\s?[" + Patterns.DEEPSEEK_LETTERS + "]+"),
                    new Isolated("\\s?[!-/:-~！-／：-～‘-‟　-。]+"),
                    new Isolated("\\s+$"),
                    new Isolated("[一-龥ࠀ-一가-\uD7FF]+"),
                    new Digits(true))),
    DEEPSEEK_CODER(
            List.of("deepseek-coder"),
            List.of(
                    new Isolated("[\\r\\n]"),
                    new Isolated("\\s?\\p{L}+"),
                    new Isolated("\\s?\\p{P}+"),
                    new Isolated("[一-龥ࠀ-一가-\uD7FF]+"),
                    new Digits(true))),
    DEEPSEEK_V3(
            List.of("deepseek-v3", "hunyuan-dense", "joyai-llm", "hy_v4"),
            List.of(
                    new Isolated("\\p{N}{1,3}"),
                    new Isolated("[一-龥぀-ゟ゠-ヿ]+"),
                    new Isolated(Patterns.DEEPSEEK_WORDS + " ?[\\p{P}\\p{S}]+[\\r\\n]*" + Patterns.SPACES))),
    SPARK(
            List.of("spark2_5"),
            List.of(
                    new Isolated("\\p{N}{1,3}"),
                    new Isolated("[一-龥぀-ゟ゠-ヿ]+"),
                    new Isolated(Patterns.DEEPSEEK_WORDS + " ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+"),
                    new Isolated("\\p{N}"))),
    YOUTU(
            List.of("youtu"),
            List.of(
                    new Isolated("[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|[一-龥぀-ゟ゠-ヿ]+"),
                    new Isolated(Patterns.cased(Patterns.CONTRACTIONS + "?", "\\p{N}"))),
            Option.WHOLE_TOKENS),
    BLOOM(List.of("bloom", "poro-chat", "gpt3-finnish"), List.of(new Isolated(Patterns.BLOOM))),
    VIKING(List.of("viking"), List.of(new Isolated(Patterns.BLOOM), new Isolated("\\p{N}"))),
    JAIS_2(List.of("jais-2"), List.of(new Isolated(Patterns.JAIS_2))),
    KIMI_K2(
            List.of("kimi-k2"),
            List.of(new Isolated("\\p{Han}+|"
                    + Patterns.cased(Patterns.CONTRACTIONS + "?", "\\p{N}{1,3}")
                            .replace("\\p{M}]", "\\p{M}&&[^\\p{Han}]]")
                            .replace("[\\r\\n/]*", "[\\r\\n]*")))),
    BAILING(
            List.of("bailingmoe", "bailingmoe2", "llada-moe"),
            List.of(new Isolated("'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"))),
    SEED_CODER(
            List.of("seed-coder"),
            List.of(new Isolated(Patterns.CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" + Patterns.SPACES))),
    UFAKZEKA(
            List.of("ufakzeka"),
            List.of(new Isolated(
                    "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*" + Patterns.SPACES))),
    LAGUNA(List.of("laguna"), List.of(new Isolated("[^\\n]+|[\\n]+"), new Isolated(Patterns.words("\\p{N}")))),
    MINICPM_5(
            List.of("minicpm5"),
            List.of(new Isolated("\\p{N}{1,3}"), new Isolated(Patterns.words("\\p{N}+"))),
            Option.WHOLE_TOKENS),
    EXAONE_MOE(
            List.of("exaone-moe"),
            List.of(new Isolated(Patterns.CONTRACTIONS
                    + "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
                    + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+")));

    static final String PRE = "tokenizer.ggml.pre";

    /// What a name stands for besides its steps.
    enum Option {
        FORM_C,
        WHOLE_TOKENS,
        BEGINS
    }

    private final List<String> names;
    private final List<SplitStep> steps;
    private final Set<Option> options;

    GgufPreTokenizer(List<String> names, List<SplitStep> steps, Option... options) {
        this.names = names;
        this.steps = steps;
        this.options = Set.of(options);
    }

    static GgufPreTokenizer from(ModelMetadata metadata) {
        String name = metadata.string(PRE, "default");
        for (GgufPreTokenizer known : values()) {
            if (known.names.contains(name)) {
                return known;
            }
        }
        throw new ModelFileException("pre-tokenizer must be a known one: " + PRE + "=" + Names.quoted(name) + ", known="
                + String.join(" ", allNames()) + ", file=" + metadata.file());
    }

    /// The names that stand for it in GGUF.
    List<String> names() {
        return names;
    }

    /// All names of all pre-tokenizers.
    static List<String> allNames() {
        return Arrays.stream(values()).flatMap(known -> known.names.stream()).toList();
    }

    PreTokenizer compile() {
        return PreTokenizer.of(steps);
    }

    /// Whether text is brought into normalization form C.
    boolean composes() {
        return options.contains(Option.FORM_C);
    }

    /// Whether a piece that is a token as a whole is taken as it is (`ignore_merges`).
    boolean takesWholeTokens() {
        return options.contains(Option.WHOLE_TOKENS);
    }

    /// Whether a text begins with the model's first token if the file does not say.
    boolean beginsTexts() {
        return options.contains(Option.BEGINS);
    }
}
