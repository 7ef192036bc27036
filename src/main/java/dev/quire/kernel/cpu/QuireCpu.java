package dev.quire.kernel.cpu;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.annotation.Cast;
import org.bytedeco.javacpp.annotation.Const;
import org.bytedeco.javacpp.annotation.MemberSetter;
import org.bytedeco.javacpp.annotation.Name;
import org.bytedeco.javacpp.annotation.Platform;

/// `quire_kernels.h`, bound by hand: the C names, so that each can be looked up there. JavaCPP generates C++ from
/// these declarations that includes the header, so a wrong type or a missing field does not compile.
///
/// Memory crosses as addresses (`long`): a call then allocates nothing. `Loader.load(QuireCpu.class)` comes first.
@Platform(include = "quire_kernels.h", link = "quire_cpu")
final class QuireCpu {
    static final int OK = 0;
    static final int INVALID_ARG = -1;
    static final int OOM = -2;
    static final int UNSUPPORTED_DTYPE = -3;
    static final int UNSUPPORTED_SHAPE = -4;
    static final int ISA_MISSING = -5;

    static final int ISA_AUTO = 0;
    static final int ISA_SCALAR = 1;
    static final int ISA_AVX2 = 2;
    static final int ISA_AVX512 = 3;
    static final int ISA_VNNI = 4;
    static final int ISA_AMX = 5;

    static final int NORM_RMS = 0;
    static final int NORM_LAYER = 1;

    static final int GATED_SILU = 0;
    static final int GATED_GELU = 1;
    static final int GELU = 2;

    static final int CACHE_AUTO = 0;
    static final int CACHE_F16 = 1;
    static final int CACHE_BF16 = 2;
    static final int CACHE_INT8 = 3;

    static final int PAIRS_ADJACENT = 0;
    static final int PAIRS_HALVES = 1;

    private QuireCpu() {}

    /// `quire_config`.
    @Name("quire_config")
    static final class Config extends Pointer {
        Config() {
            super((Pointer) null);
            allocate();
        }

        private native void allocate();

        @MemberSetter
        native void layers(int value);

        @MemberSetter
        native void embedding(int value);

        @MemberSetter
        native void feed_forward(int value);

        @MemberSetter
        native void vocabulary(int value);

        @MemberSetter
        native void heads(int value);

        @MemberSetter
        native void kv_heads(int value);

        @MemberSetter
        native void head_dim(int value);

        @MemberSetter
        native void context_length(int value);

        @MemberSetter
        native void norm(int value);

        @MemberSetter
        native void norm_epsilon(float value);

        @MemberSetter
        native void activation(int value);

        @MemberSetter
        native void embedding_scale(float value);

        @MemberSetter
        native void attention_scale(float value);

        @MemberSetter
        native void ropes(int value);

        @MemberSetter
        native void rope_pairs(@Cast("const int32_t*") long address);

        @MemberSetter
        native void rope_dim(@Cast("const int32_t*") long address);

        @MemberSetter
        native void rope_magnitude(@Cast("const float*") long address);

        @MemberSetter
        native void inverse_frequency(@Cast("const float*") long address);

        @MemberSetter
        native void layer_rope(@Cast("const int32_t*") long address);

        @MemberSetter
        native void layer_window(@Cast("const int32_t*") long address);

        @MemberSetter
        native void max_tokens(int value);

        @MemberSetter
        native void max_seqs(int value);

        @MemberSetter
        native void max_rows(int value);

        @MemberSetter
        native void table_stride(int value);

        @MemberSetter
        native void threads(int value);

        @MemberSetter
        native void isa(int value);

        @MemberSetter
        native void cache_type(int value);
    }

    /// `quire_plan`.
    @Name("quire_plan")
    static final class Plan extends Pointer {
        Plan() {
            super((Pointer) null);
            allocate();
        }

        private native void allocate();

        @MemberSetter
        native void tokens(int value);

        @MemberSetter
        native void seqs(int value);

        @MemberSetter
        native void rows(int value);

        @MemberSetter
        native void token(@Cast("const int32_t*") long address);

        /// Named apart from `Pointer.position`.
        @MemberSetter
        @Name("position")
        native void token_position(@Cast("const int32_t*") long address);

        @MemberSetter
        native void slot(@Cast("const int64_t*") long address);

        @MemberSetter
        native void query_start(@Cast("const int32_t*") long address);

        @MemberSetter
        native void context_len(@Cast("const int32_t*") long address);

        @MemberSetter
        native void block_table(@Cast("const int32_t*") long address);

        @MemberSetter
        native void logit_row(@Cast("const int32_t*") long address);

        @MemberSetter
        native void temperature(@Cast("const float*") long address);

        @MemberSetter
        native void top_p(@Cast("const float*") long address);

        @MemberSetter
        native void min_p(@Cast("const float*") long address);

        @MemberSetter
        native void top_k(@Cast("const int32_t*") long address);

        @MemberSetter
        native void presence_penalty(@Cast("const float*") long address);

        @MemberSetter
        native void frequency_penalty(@Cast("const float*") long address);

        @MemberSetter
        native void repetition_penalty(@Cast("const float*") long address);

        @MemberSetter
        native void seed(@Cast("const int64_t*") long address);

        @MemberSetter
        native void counter(@Cast("const int64_t*") long address);

        @MemberSetter
        native void history_start(@Cast("const int32_t*") long address);

        @MemberSetter
        native void prompt_len(@Cast("const int32_t*") long address);

        @MemberSetter
        native void history_len(@Cast("const int32_t*") long address);

        @MemberSetter
        native void bias_start(@Cast("const int32_t*") long address);

        @MemberSetter
        native void bias_len(@Cast("const int32_t*") long address);

        @MemberSetter
        native void logprobs(@Cast("const int32_t*") long address);

        @MemberSetter
        native void scored_token(@Cast("const int32_t*") long address);

        @MemberSetter
        native void history(@Cast("const int32_t*") long address);

        @MemberSetter
        native void bias_token(@Cast("const int32_t*") long address);

        @MemberSetter
        native void bias_value(@Cast("const float*") long address);

        @MemberSetter
        native void out_token(@Cast("int32_t*") long address);

        @MemberSetter
        native void out_logprob(@Cast("float*") long address);

        @MemberSetter
        native void top_token(@Cast("int32_t*") long address);

        @MemberSetter
        native void top_logprob(@Cast("float*") long address);
    }

    static native String quire_last_error();

    static native int quire_isa(int isa);

    static native int quire_cores();

    static native int quire_host_alloc(long bytes, @Cast("void**") LongPointer memory);

    static native int quire_host_free(@Cast("void*") long memory, long bytes);

    static native long quire_large_pages(@Cast("const void*") long memory, long bytes);

    static native int quire_guard(@Cast("const void*") long memory, long bytes);

    static native int quire_guard_lost(int guard);

    static native int quire_unguard(int guard);

    static native int quire_open(@Const Config config, @Cast("quire_context**") LongPointer context);

    static native int quire_close(@Cast("quire_context*") long context);

    static native int quire_context_isa(@Cast("const quire_context*") long context);

    static native int quire_context_threads(@Cast("const quire_context*") long context);

    static native int quire_pack_layout(int isa);

    static native long quire_packed_bytes(int type, long rows, long cols);

    static native int quire_pack(
            int type, long rows, long cols, @Cast("const void*") long src, @Cast("void*") long dst);

    static native int quire_weight(
            @Cast("quire_context*") long context, int type, long rows, long cols, @Cast("const void*") long packed);

    static native int quire_bind(
            @Cast("quire_context*") long context, @Const int[] layer_weights, @Const int[] model_weights);

    static native int quire_context_cache_type(@Cast("const quire_context*") long context);

    static native long quire_block_bytes(@Cast("const quire_context*") long context);

    static native int quire_cache_open(@Cast("quire_context*") long context, long blocks, @Cast("void*") long memory);

    static native int quire_block_copy(
            @Cast("quire_context*") long context, int count, @Const int[] src, @Const int[] dst);

    static native int quire_swap_open(@Cast("quire_context*") long context, long slots, @Cast("void*") long memory);

    static native int quire_swap_out(
            @Cast("quire_context*") long context,
            int count,
            @Const int[] block,
            @Const int[] slot,
            @Cast("int64_t*") long[] ticket);

    static native int quire_swap_in(
            @Cast("quire_context*") long context,
            int count,
            @Const int[] slot,
            @Const int[] block,
            @Cast("int64_t*") long[] ticket);

    static native int quire_swap_done(@Cast("quire_context*") long context, long ticket);

    static native int quire_step_begin(@Cast("quire_context*") long context, @Const Plan plan);

    static native int quire_step_end(@Cast("quire_context*") long context);

    static native int quire_embed(@Cast("quire_context*") long context);

    static native int quire_attention_input(@Cast("quire_context*") long context, int layer);

    static native int quire_paged_attention(@Cast("quire_context*") long context, int layer);

    static native int quire_attention_output(@Cast("quire_context*") long context, int layer);

    static native int quire_feed_forward_gate(@Cast("quire_context*") long context, int layer);

    static native int quire_feed_forward_down(@Cast("quire_context*") long context, int layer);

    static native int quire_logits(@Cast("quire_context*") long context);

    static native int quire_sample(@Cast("quire_context*") long context);

    static native @Const FloatPointer quire_logits_data(@Cast("const quire_context*") long context);
}
