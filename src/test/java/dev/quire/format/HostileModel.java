package dev.quire.format;

import static dev.quire.format.GgufImage.joined;
import static dev.quire.format.GgufImage.number;
import static dev.quire.format.HostileFile.Found.COMPUTING;
import static dev.quire.format.HostileFile.Found.LOADING;
import static dev.quire.format.HostileFile.Found.SERVING;

import dev.quire.format.GgufImage.Description;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/// Files in good form of models that cannot be: metadata, tokens and tensors that do not fit together. Made from the
/// same good file as those of {@link HostileGguf}.
public final class HostileModel {
    private static final String TOKENS = "tokenizer.ggml.tokens";
    private static final String TYPES = "tokenizer.ggml.token_type";
    private static final String MERGES = "tokenizer.ggml.merges";
    private static final String UNEXPECTED_SHAPE = "tensor has an unexpected shape: tensor=";
    private static final String UNEXPECTED_TYPE = "metadata value has an unexpected type: key=";
    private static final String UNUSABLE = "metadata value is not usable: key=";
    private static final String MISSING = "metadata key is missing: key=";
    private static final int VOCABULARY = 320;

    /// Its token: behind three control tokens stand the bytes from `!` on.
    private static final int LETTER_A = 3 + 'a' - '!';

    /// The numbers of the good file's shape, without `llama.`.
    private static final List<String> SHAPE_KEYS = List.of(
            "block_count",
            "embedding_length",
            "feed_forward_length",
            "attention.head_count",
            "attention.head_count_kv",
            "context_length");

    private final GgufImage image;
    private final List<HostileFile> files = new ArrayList<>();

    private HostileModel(byte[] good) {
        this.image = GgufImage.of(good);
    }

    public static List<HostileFile> files() throws IOException {
        var all = new HostileModel(Files.readAllBytes(HostileGguf.GOOD));
        all.architectures();
        all.shapeNumbers();
        all.shapes();
        all.numbers();
        all.tokens();
        all.tokenTypes();
        all.specialIds();
        all.merges();
        all.tokenizerNames();
        all.tensors();
        all.weights();
        return all.files;
    }

    private void architectures() {
        String key = "general.architecture";
        loading("architecture-missing", MISSING + key, i -> i.remove(key));
        loading("architecture-number", UNEXPECTED_TYPE + key, i -> i.uint32(key, 1));
        loading("architecture-unknown", "architecture must be one of ", i -> i.string(key, "no-such-model"));
        loading("architecture-empty", "architecture must be one of ", i -> i.string(key, ""));
        loading("architecture-upper-case", "architecture must be one of ", i -> i.string(key, "LLAMA"));
        loading(
                "architecture-of-many-lines",
                "architecture must be one of ",
                i -> i.string(key, "llama\n\tat java.lang.Thread\r\u001b[2J".repeat(5000)));
    }

    private void shapeNumbers() {
        for (String name : SHAPE_KEYS) {
            String key = "llama." + name;
            if (!name.equals("attention.head_count_kv")) {
                loading(name + "-missing", MISSING + key, i -> i.remove(key));
            }
            loading(name + "-0", UNUSABLE + key, i -> i.uint32(key, 0));
            loading(name + "-minus-1", UNUSABLE + key, i -> i.set(key, GgufType.INT32.ordinal(), number(-1, 4)));
            loading(name + "-2-31", "metadata value must fit 32 bits: key=" + key, i -> i.uint32(key, 1L << 31));
            loading(
                    name + "-2-40",
                    "metadata value must fit 32 bits: key=" + key,
                    i -> i.set(key, GgufType.UINT64.ordinal(), number(1L << 40, 8)));
            loading(name + "-most", "m", i -> i.uint32(key, Integer.MAX_VALUE));
            loading(name + "-string", UNEXPECTED_TYPE + key, i -> i.string(key, "2"));
            loading(name + "-float", UNEXPECTED_TYPE + key, i -> i.float32(key, 2.5f));
            loading(name + "-strings", UNEXPECTED_TYPE + key, i -> i.strings(key, "2"));
        }
    }

    private void shapes() {
        loading("block_count-1", "tensor is not supported: tensor=blk.1.", i -> i.uint32("llama.block_count", 1));
        loading("block_count-3", "tensor is missing: tensor=blk.2.", i -> i.uint32("llama.block_count", 3));
        loading("embedding-63", UNUSABLE, i -> i.uint32("llama.embedding_length", 63));
        loading("embedding-128", UNEXPECTED_SHAPE, i -> i.uint32("llama.embedding_length", 128));
        loading("feed-forward-95", UNEXPECTED_SHAPE, i -> i.uint32("llama.feed_forward_length", 95));
        loading("heads-3", "", i -> i.uint32("llama.attention.head_count", 3));
        loading("heads-1000", "", i -> i.uint32("llama.attention.head_count", 1000));
        loading("kv-heads-3", "model shape is not usable", i -> i.uint32("llama.attention.head_count_kv", 3));
        loading("kv-heads-8", "model shape is not usable", i -> i.uint32("llama.attention.head_count_kv", 8));
        loading("key-length-0", UNUSABLE, i -> i.uint32("llama.attention.key_length", 0));
        loading("key-length-17", "", i -> i.uint32("llama.attention.key_length", 17));
        loading("key-length-32", UNEXPECTED_SHAPE, i -> i.uint32("llama.attention.key_length", 32));
        // Products that wrap around to those of the good file.
        loading("key-length-wraps", UNUSABLE, i -> i.uint32("llama.attention.key_length", (1L << 30) + 16)
                .uint32("llama.attention.head_count_kv", 4));
        loading("heads-wrap", "m", i -> i.uint32("llama.attention.head_count", (1L << 30) + 4)
                .uint32("llama.attention.head_count_kv", (1L << 29) + 2));
        loading("rope-dimensions-15", UNUSABLE, i -> i.uint32("llama.rope.dimension_count", 15));
        loading("rope-dimensions-18", UNUSABLE, i -> i.uint32("llama.rope.dimension_count", 18));
    }

    private void numbers() {
        String epsilon = "llama.attention.layer_norm_rms_epsilon";
        loading("epsilon-missing", MISSING + epsilon, i -> i.remove(epsilon));
        for (float bad : new float[] {Float.NaN, -1e-5f, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
            loading("epsilon-" + bad, "model shape is not usable", i -> i.float32(epsilon, bad));
        }
        loading("epsilon-string", UNEXPECTED_TYPE + epsilon, i -> i.string(epsilon, "1e-5"));
        String base = "llama.rope.freq_base";
        for (float bad : new float[] {Float.NaN, 0, -10_000, Float.POSITIVE_INFINITY}) {
            loading("rope-base-" + bad, UNUSABLE, i -> i.float32(base, bad));
        }
        loading("rope-base-string", UNEXPECTED_TYPE + base, i -> i.string(base, "10000"));
    }

    private void tokens() {
        loading("tokens-missing", MISSING + TOKENS, i -> i.remove(TOKENS));
        loading("tokens-numbers", UNEXPECTED_TYPE + TOKENS, i -> i.array(TOKENS, GgufType.INT32, 1, number(1, 4)));
        loading("tokens-string", UNEXPECTED_TYPE + TOKENS, i -> i.string(TOKENS, "abc"));
        loading("tokens-none", "", i -> i.strings(TOKENS));
        loading("tokens-too-few", "", i -> i.strings(TOKENS, "a", "b"));
        loading("tokens-one-too-many", "", i -> i.array(TOKENS, GgufType.STRING, VOCABULARY + 1, elements(i, true)));
        loading("tokens-twice", "", i -> i.array(TOKENS, GgufType.STRING, VOCABULARY, elements(i, false)));
    }

    /// The good file's tokens; the last of them once more, or in place of the one before.
    private static byte[] elements(GgufImage image, boolean more) {
        byte[] value = image.key(TOKENS).value();
        byte[] tokens = Arrays.copyOfRange(value, 12, value.length);
        var in = ByteBuffer.wrap(tokens).order(ByteOrder.LITTLE_ENDIAN);
        int beforeLast = 0;
        int last = 0;
        for (int at = 0; at < tokens.length; at += 8 + (int) in.getLong(at)) {
            beforeLast = last;
            last = at;
        }
        byte[] again = Arrays.copyOfRange(tokens, last, tokens.length);
        return joined(Arrays.copyOf(tokens, more ? tokens.length : beforeLast), again, more ? new byte[0] : again);
    }

    private void tokenTypes() {
        String unequal = "every token must have a type";
        loading("token-types-too-few", unequal, i -> i.array(TYPES, GgufType.INT32, 1, number(1, 4)));
        loading("token-types-none", unequal, i -> i.array(TYPES, GgufType.INT32, 0, new byte[0]));
        loading(
                "token-types-too-many",
                unequal,
                i -> i.array(TYPES, GgufType.INT32, VOCABULARY + 1, new byte[4 * VOCABULARY + 4]));
        loading(
                "token-types-0",
                "token type must be ",
                i -> i.array(TYPES, GgufType.INT32, VOCABULARY, new byte[4 * VOCABULARY]));
        byte[] sevens = new byte[VOCABULARY];
        Arrays.fill(sevens, (byte) 7);
        loading("token-types-7", "token type must be ", i -> i.array(TYPES, GgufType.UINT8, VOCABULARY, sevens));
        byte[] minus = new byte[VOCABULARY];
        Arrays.fill(minus, (byte) -1);
        loading("token-types-minus-1", "token type must be ", i -> i.array(TYPES, GgufType.INT8, VOCABULARY, minus));
        byte[] floats = new byte[4 * VOCABULARY];
        loading("token-types-floats", UNEXPECTED_TYPE, i -> i.array(TYPES, GgufType.FLOAT32, VOCABULARY, floats));
        loading("token-types-strings", UNEXPECTED_TYPE + TYPES, i -> i.strings(TYPES, "1"));
        loading("token-types-number", UNEXPECTED_TYPE + TYPES, i -> i.uint32(TYPES, 1));
    }

    private void specialIds() {
        for (String name : List.of("bos", "eos", "eot", "eom", "unknown", "padding")) {
            String key = "tokenizer.ggml." + name + "_token_id";
            String outside = "token id must be in the vocabulary: key=" + key;
            loading("id-" + name + "-320", outside, i -> i.uint32(key, VOCABULARY));
            loading("id-" + name + "-minus-1", outside, i -> i.set(key, GgufType.INT32.ordinal(), number(-1, 4)));
            loading("id-" + name + "-2-32", "metadata value must fit", i -> i.uint32(key, 0xffff_ffffL));
            loading("id-" + name + "-string", UNEXPECTED_TYPE + key, i -> i.string(key, "1"));
        }
        String flag = "tokenizer.ggml.add_bos_token";
        loading("add-bos-number", UNEXPECTED_TYPE + flag, i -> i.uint32(flag, 1));
        loading("add-bos-without-id", "a token to add must be named", i -> i.set(
                        flag, GgufType.BOOL.ordinal(), new byte[] {1})
                .remove("tokenizer.ggml.bos_token_id"));
    }

    private void merges() {
        String unknown = "merge must be of tokens in the vocabulary";
        String form = "merge must be two names and a space";
        loading("merges-unknown-left", unknown, i -> i.strings(MERGES, "h e", "nowhere e"));
        loading("merges-unknown-right", unknown, i -> i.strings(MERGES, "h nowhere"));
        loading("merges-unknown-result", unknown, i -> i.strings(MERGES, "h z"));
        loading("merges-without-space", form, i -> i.strings(MERGES, "he"));
        loading("merges-empty", form, i -> i.strings(MERGES, ""));
        loading("merges-space-only", form, i -> i.strings(MERGES, " "));
        loading("merges-of-three", form, i -> i.strings(MERGES, "h e r"));
        loading("merges-twice", "merges must be distinct", i -> i.strings(MERGES, "h e", "h e"));
        loading("merges-numbers", UNEXPECTED_TYPE + MERGES, i -> i.array(MERGES, GgufType.INT32, 1, number(1, 4)));
        loading("merges-missing", MISSING + MERGES, i -> i.remove(MERGES));
    }

    private void tokenizerNames() {
        String model = "tokenizer.ggml.model";
        loading("tokenizer-missing", MISSING + model, i -> i.remove(model));
        loading("tokenizer-unknown", "tokenizer model must be ", i -> i.string(model, "no\nsuch".repeat(100)));
        loading("tokenizer-number", UNEXPECTED_TYPE + model, i -> i.uint32(model, 1));
        String pre = "tokenizer.ggml.pre";
        loading("pre-tokenizer-unknown", "pre-tokenizer must be ", i -> i.string(pre, "no\u2028such".repeat(100)));
        loading("pre-tokenizer-number", UNEXPECTED_TYPE + pre, i -> i.uint32(pre, 1));
        String template = "tokenizer.chat_template";
        loading("template-number", UNEXPECTED_TYPE + template, i -> i.uint32(template, 1));
        loading("template-of-2-million", "chat template must be ", i -> i.string(template, "x".repeat(2_000_000)));
    }

    private void tensors() {
        for (String name : List.of("token_embd.weight", "output_norm.weight", "blk.1.ffn_down.weight")) {
            loading("tensor-missing-" + name, "tensor is missing: tensor=" + name, i -> {
                i.tensors.remove(i.indexOfTensor(name));
                return i;
            });
        }
        GgufImage vocabulary = image.copy();
        vocabulary.tensors.clear();
        vocabulary.data = new byte[0];
        files.add(new HostileFile(
                "tensors-none", vocabulary.bytes(), SERVING, "model file must have tensors to be served"));
        loading(
                "tensor-renamed",
                "tensor is missing: tensor=blk.0.attn_q.weight",
                i -> changed(i, "blk.0.attn_q.weight", "blk.0.attn_x.weight", 64, 64));
        loading(
                "tensor-transposed",
                UNEXPECTED_SHAPE,
                i -> changed(i, "blk.0.ffn_down.weight", "blk.0.ffn_down.weight", 64, 96));
        loading(
                "tensor-smaller",
                UNEXPECTED_SHAPE,
                i -> changed(i, "blk.0.attn_q.weight", "blk.0.attn_q.weight", 64, 32));
        loading("tensor-of-one-row", UNEXPECTED_SHAPE, i -> changed(i, "token_embd.weight", "token_embd.weight", 64));
        loading("tensor-too-many", "tensor is not supported: tensor=blk.7.attn_q.weight", i -> {
            i.tensors.add(new Description("blk.7.attn_q.weight", new long[] {32}, 0, 0));
            i.data = joined(new byte[128], i.data);
            i.tensors.replaceAll(t -> t.is("blk.7.attn_q.weight")
                    ? t
                    : new Description(t.nameLength(), t.name(), t.dimensions(), t.sizes(), t.type(), t.offset() + 128));
            return i;
        });
    }

    private static GgufImage changed(GgufImage image, String name, String newName, long... sizes) {
        Description tensor = image.tensor(name);
        return image.replace(name, new Description(newName, sizes, tensor.type(), tensor.offset()));
    }

    /// Numbers that are none, in each place that has floating-point numbers. The bytes of Q4_1 begin with its f16
    /// scale and minimum, those of Q8_0 with its scale.
    private void weights() {
        Map<String, byte[]> halves = Map.of("nan", number(0x7e00, 2), "infinite", number(0x7c00, 2));
        Map<String, byte[]> floats = Map.of("nan", number(0x7fc00000, 4), "infinite", number(0x7f800000, 4));
        for (String what : List.of("nan", "infinite")) {
            computing(what + "-output-norm", i -> fill(i, "output_norm.weight", floats.get(what), 4, 64));
            computing(what + "-norm", i -> fill(i, "blk.0.attn_norm.weight", floats.get(what), 4, 64));
            computing(what + "-query-scales", i -> fill(i, "blk.0.attn_q.weight", halves.get(what), 20, 128));
            computing(what + "-down-scales", i -> fill(i, "blk.1.ffn_down.weight", halves.get(what), 20, 192));
            computing(what + "-embedding-scales", i -> fill(i, "token_embd.weight", halves.get(what), 34, 640));
            computing(what + "-embedding-scale-of-token-0", i -> fill(i, "token_embd.weight", halves.get(what), 34, 2));
        }
        // Found by the request that has the letter in its prompt, and by no other.
        computing("nan-embedding-scale-of-letter-a", i -> {
            int row = (int) i.tensor("token_embd.weight").offset() + LETTER_A * 2 * 34;
            System.arraycopy(halves.get("nan"), 0, i.data, row, 2);
            return i;
        });
    }

    /// Writes `number` at the beginning of each of `count` runs of `stride` bytes.
    private static GgufImage fill(GgufImage image, String name, byte[] number, int stride, int count) {
        int start = (int) image.tensor(name).offset();
        for (int i = 0; i < count; i++) {
            System.arraycopy(number, 0, image.data, start + i * stride, number.length);
        }
        return image;
    }

    private void loading(String name, String message, UnaryOperator<GgufImage> change) {
        files.add(new HostileFile(
                name.replace('.', '-'), change.apply(image.copy()).bytes(), LOADING, message));
    }

    private void computing(String name, UnaryOperator<GgufImage> change) {
        files.add(new HostileFile(name, change.apply(image.copy()).bytes(), COMPUTING, ""));
    }
}
