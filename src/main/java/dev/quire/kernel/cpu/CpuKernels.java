package dev.quire.kernel.cpu;

import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.KernelFaultException;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.LayerWeights;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.ModelWeights;
import dev.quire.kernel.Packing;
import dev.quire.tensor.Tensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.Locale;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.LongPointer;

/// {@link Kernels} on the CPU. Weights are packed into the layout that the kernels stream, once for all processes
/// where a file is given; the cache and all scratch are native too: a step touches no Java heap and allocates
/// nothing.
///
/// Not thread-safe: the engine thread owns it.
public final class CpuKernels implements Kernels {
    private final BatchLimits limits;
    private final int layers;
    private final int vocabulary;
    private final long context;
    private final PackedWeights weights;
    private final BatchPlans plans = new BatchPlans();
    private HostMemory cache;
    private HostMemory swap;
    private final long[] ticket = new long[1];
    private Packing packing; // once bound
    private Batch batch; // of the open step
    private boolean closed;

    private CpuKernels(ModelShape shape, BatchLimits limits, long context, PackedWeights weights) {
        this.weights = weights;
        this.limits = limits;
        this.layers = shape.layers();
        this.vocabulary = shape.vocabulary();
        this.context = context;
    }

    /// Opens a context: `threads` worker threads (0 = {@link #cores}, one less from four on) and instruction set
    /// `isa`: `auto`, `scalar`, `avx2`, `avx512`, `vnni` or `amx`. Weights are packed into memory.
    public static CpuKernels open(ModelShape shape, BatchLimits limits, int threads, String isa) {
        return open(shape, limits, threads, isa, CacheType.AUTO);
    }

    /// The same with a cache of `cacheType`.
    public static CpuKernels open(ModelShape shape, BatchLimits limits, int threads, String isa, CacheType cacheType) {
        return open(shape, limits, threads, isa, cacheType, null, Long.MAX_VALUE);
    }

    /// The same, with the packed weights in `packedFile`, which stands for this model and {@link #packLayout}: it
    /// is made where it is missing and mapped where it is there. Weights that are small when packed stay in
    /// memory.
    public static CpuKernels open(
            ModelShape shape, BatchLimits limits, int threads, String isa, CacheType cacheType, Path packedFile) {
        return open(shape, limits, threads, isa, cacheType, packedFile, PackedWeights.MIN_FILE_BYTES);
    }

    /// For tests: files for small weights too.
    static CpuKernels open(
            ModelShape shape,
            BatchLimits limits,
            int threads,
            String isa,
            CacheType cacheType,
            Path packedFile,
            long minFileBytes) {
        int isaNumber = isaNumber(isa);
        Loader.load(QuireCpu.class);
        try (Arena arena = Arena.ofConfined();
                QuireCpu.Config config = new QuireCpu.Config();
                LongPointer context = new LongPointer(1)) {
            NativeShape.write(shape, config, arena);
            config.max_tokens(limits.tokens());
            config.max_seqs(limits.sequences());
            config.max_rows(limits.rows());
            config.table_stride(limits.tableBlocks());
            config.threads(threads);
            config.isa(isaNumber);
            config.cache_type(NativeShape.number(cacheType));
            check(QuireCpu.quire_open(config, context));
            return new CpuKernels(shape, limits, context.get(), new PackedWeights(packedFile, minFileBytes, isaNumber));
        }
    }

    /// Physical cores that this process may use: those in its affinity mask, within its control groups' quotas.
    public static int cores() {
        Loader.load(QuireCpu.class);
        return QuireCpu.quire_cores();
    }

    /// The number of the layout in which `isa` wants its weights: a packed file of another one is of no use.
    public static int packLayout(String isa) {
        int isaNumber = isaNumber(isa);
        Loader.load(QuireCpu.class);
        return checkSize(QuireCpu.quire_pack_layout(isaNumber));
    }

    private static int isaNumber(String isa) {
        return switch (isa.toLowerCase(Locale.ROOT)) {
            case "auto" -> QuireCpu.ISA_AUTO;
            case "scalar" -> QuireCpu.ISA_SCALAR;
            case "avx2" -> QuireCpu.ISA_AVX2;
            case "avx512" -> QuireCpu.ISA_AVX512;
            case "vnni" -> QuireCpu.ISA_VNNI;
            case "amx" -> QuireCpu.ISA_AMX;
            default ->
                throw new IllegalArgumentException("isa must be auto, scalar, avx2, avx512, vnni or amx: isa=" + isa);
        };
    }

    private static String isaName(int isa) {
        return switch (isa) {
            case QuireCpu.ISA_SCALAR -> "scalar";
            case QuireCpu.ISA_AVX2 -> "avx2";
            case QuireCpu.ISA_AVX512 -> "avx512";
            case QuireCpu.ISA_VNNI -> "vnni";
            case QuireCpu.ISA_AMX -> "amx";
            default -> "isa " + isa;
        };
    }

    @Override
    public String description() {
        open();
        int threads = QuireCpu.quire_context_threads(context);
        return "cpu " + isaName(QuireCpu.quire_context_isa(context)) + " " + threads
                + (threads == 1 ? " thread" : " threads") + ", " + cacheType().label() + " cache";
    }

    /// The tensor's memory is needed until `bind`.
    @Override
    public int weight(Tensor tensor) {
        open();
        return weights.add(tensor);
    }

    @Override
    public Packing packing() {
        return packing;
    }

    @Override
    public void awaitPacked() {
        weights.awaitStored();
    }

    @Override
    public void spendOnWeights(long bytes) {
        weights.moveToLargePages(bytes);
    }

    @Override
    public void bind(LayerWeights[] layers, ModelWeights model) {
        open();
        if (layers.length != this.layers) {
            throw new IllegalArgumentException(
                    "layers must be the model's: layers=" + layers.length + ", expected=" + this.layers);
        }
        packing = weights.load(context);
        check(QuireCpu.quire_bind(context, NativeShape.ids(layers), NativeShape.ids(model)));
    }

    @Override
    public CacheType cacheType() {
        open();
        return NativeShape.cacheType(QuireCpu.quire_context_cache_type(context));
    }

    @Override
    public long blockBytes() {
        open();
        return QuireCpu.quire_block_bytes(context);
    }

    @Override
    public void openCache(int blocks) {
        open();
        if (blocks <= 0) {
            throw new IllegalArgumentException("blocks must be positive: blocks=" + blocks);
        }
        if (cache != null) {
            throw new IllegalStateException("cache must not be open: blocks=" + blocks);
        }
        cache = HostMemory.allocate(Math.multiplyExact(blockBytes(), (long) blocks));
        check(QuireCpu.quire_cache_open(context, blocks, cache.address()));
    }

    @Override
    public void copyBlocks(int[] source, int[] destination, int count) {
        open();
        checkCount(source, destination, count);
        check(QuireCpu.quire_block_copy(context, count, source, destination));
    }

    @Override
    public void openSwap(int slots) {
        open();
        if (slots <= 0 || cache == null || swap != null) {
            throw new IllegalArgumentException("slots must be positive and the cache open, once: slots=" + slots);
        }
        swap = HostMemory.allocate(Math.multiplyExact(blockBytes(), (long) slots));
        check(QuireCpu.quire_swap_open(context, slots, swap.address()));
    }

    @Override
    public long swapOut(int[] block, int[] slot, int count) {
        open();
        checkCount(block, slot, count);
        check(QuireCpu.quire_swap_out(context, count, block, slot, ticket));
        return ticket[0];
    }

    @Override
    public long swapIn(int[] slot, int[] block, int count) {
        open();
        checkCount(slot, block, count);
        check(QuireCpu.quire_swap_in(context, count, slot, block, ticket));
        return ticket[0];
    }

    @Override
    public boolean swapped(long issued) {
        open();
        return QuireCpu.quire_swap_done(context, issued) == 1;
    }

    private static void checkCount(int[] source, int[] destination, int count) {
        if (count < 0 || count > source.length || count > destination.length) {
            throw new IllegalArgumentException("count must be within the arrays: count=" + count + ", sources="
                    + source.length + ", destinations=" + destination.length);
        }
    }

    @Override
    public void beginStep(Batch batch) {
        open();
        if (this.batch != null) {
            throw new IllegalStateException("the last step must have ended: tokens=" + this.batch.tokens);
        }
        checkLimits(batch);
        check(QuireCpu.quire_step_begin(context, plans.of(batch)));
        this.batch = batch;
    }

    /// What the native side cannot check, since it does not know how long the batch's arrays are.
    private void checkLimits(Batch batch) {
        if (!batch.limits.equals(limits)) {
            throw new IllegalArgumentException(
                    "batch must have the kernels' limits: batch=" + batch.limits + ", kernels=" + limits);
        }
        int rows = Math.min(batch.rows, limits.rows());
        for (int row = 0; row < rows; row++) {
            within("history", batch.historyStart.get(row), batch.historyLength.get(row), limits.history());
            within("bias", batch.biasStart.get(row), batch.biasLength.get(row), limits.biases());
        }
    }

    private static void within(String name, int start, int length, int limit) {
        if (start < 0 || length < 0 || (long) start + length > limit) {
            throw new IllegalArgumentException(name + " must be within its limit: " + name + "Start=" + start + ", "
                    + name + "Length=" + length + ", limit=" + limit);
        }
    }

    @Override
    public void embed() {
        checkCall(QuireCpu.quire_embed(open()));
    }

    @Override
    public void attentionInput(int layer) {
        checkCall(QuireCpu.quire_attention_input(open(), layer));
    }

    @Override
    public void pagedAttention(int layer) {
        checkCall(QuireCpu.quire_paged_attention(open(), layer));
    }

    @Override
    public void attentionOutput(int layer) {
        checkCall(QuireCpu.quire_attention_output(open(), layer));
    }

    @Override
    public void feedForwardGate(int layer) {
        checkCall(QuireCpu.quire_feed_forward_gate(open(), layer));
    }

    @Override
    public void feedForwardDown(int layer) {
        checkCall(QuireCpu.quire_feed_forward_down(open(), layer));
    }

    @Override
    public void logits() {
        checkCall(QuireCpu.quire_logits(open()));
    }

    @Override
    public void sample() {
        checkCall(QuireCpu.quire_sample(open()));
    }

    @Override
    public void endStep() {
        checkCall(QuireCpu.quire_step_end(open()));
        batch = null;
        weights.requireWhole();
    }

    @Override
    public void readLogits(int row, float[] destination) {
        open();
        if (row < 0 || row >= limits.rows() || destination.length < vocabulary) {
            throw new IllegalArgumentException("row must be within the limit and fit: row=" + row + ", rows="
                    + limits.rows() + ", destination.length=" + destination.length);
        }
        FloatPointer logits = QuireCpu.quire_logits_data(context);
        logits.position((long) row * vocabulary).get(destination, 0, vocabulary);
    }

    /// Ends the worker threads and frees everything; a second call does nothing.
    @Override
    public void close() {
        if (closed) {
            return;
        }
        closed = true;
        QuireCpu.quire_close(context);
        plans.close();
        weights.close();
        if (swap != null) {
            swap.free();
        }
        if (cache != null) {
            cache.free();
        }
    }

    private long open() {
        if (closed) {
            throw new IllegalStateException("kernels must be open: closed=true");
        }
        return context;
    }

    static long checkSize(long sizeOrStatus) {
        if (sizeOrStatus < 0) {
            check((int) sizeOrStatus);
        }
        return sizeOrStatus;
    }

    static int checkSize(int idOrStatus) {
        if (idOrStatus < 0) {
            check(idOrStatus);
        }
        return idOrStatus;
    }

    /// Within a step the arguments were checked at its begin: a refusal means a call out of order.
    private static void checkCall(int status) {
        if (status == QuireCpu.INVALID_ARG) {
            throw new IllegalStateException(QuireCpu.quire_last_error());
        }
        check(status);
    }

    static void check(int status) {
        if (status == QuireCpu.OK) {
            return;
        }
        String message = QuireCpu.quire_last_error();
        throw switch (status) {
            case QuireCpu.INVALID_ARG, QuireCpu.UNSUPPORTED_DTYPE, QuireCpu.UNSUPPORTED_SHAPE, QuireCpu.ISA_MISSING ->
                new IllegalArgumentException(message);
            case QuireCpu.OOM -> new IllegalStateException(message);
            default -> new KernelFaultException("kernels must not fail: status=" + status + ", cause=" + message);
        };
    }
}
