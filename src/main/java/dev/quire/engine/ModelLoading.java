package dev.quire.engine;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.format.ModelFile;
import dev.quire.format.ModelFileException;
import dev.quire.kernel.ActivationRounding;
import dev.quire.kernel.Batch;
import dev.quire.kernel.BatchLimits;
import dev.quire.kernel.CacheType;
import dev.quire.kernel.Kernels;
import dev.quire.kernel.ModelShape;
import dev.quire.kernel.Packing;
import dev.quire.kernel.ReferenceKernels;
import dev.quire.kernel.cpu.CpuKernels;
import dev.quire.model.Architecture;
import dev.quire.model.Transformer;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.store.ModelStore;
import dev.quire.store.PackedStore;
import dev.quire.tokenizer.ChatTemplate;
import dev.quire.tokenizer.ChatTemplateException;
import dev.quire.tokenizer.Tokenizer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.BitSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.jboss.logging.Logger;

/// Opens what the settings name: the model, the kernels, the weights, the pool. The result belongs to the thread
/// that opened it, which is the engine thread.
final class ModelLoading implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(ModelLoading.class);

    /// Logit rows beyond one for each sequence: as many prompt tokens can be scored in one step. Each takes 4 ·
    /// vocabulary bytes (192 KiB at 49,152).
    private static final int SCORE_ROWS = 32;

    /// Blocks of a pool that no limit reaches; keeps every index an int.
    private static final long MOST_BLOCKS = Integer.MAX_VALUE / Kernels.PAGE_TOKENS;

    /// Tokens of a sequence unless the setting says more: tables and history grow with the context that a file
    /// claims, which costs it nothing. Few models are made for more, and who wants that much says so.
    private static final int MOST_UNASKED = 1 << 17;

    /// Keeps the history's buffer below 2 GiB.
    private static final int MOST_HISTORY = (1 << 29) - 1;

    private final ModelFile file;
    private final LoadReport report;
    private final LoadedModel model;
    private final BitSet endTokens; // read only
    private final Kernels kernels;
    private final String cacheType;
    private final Transformer transformer;
    private final Batch batch;
    private final CacheLayout layout;
    private final Scheduler scheduler;
    private final ReadinessLimits readinessLimits;

    static ModelLoading open(QuireSettings settings) {
        ModelStore store = ModelStores.open(settings);
        Path path = store.resolve(settings.model());
        LoadClock clock = new LoadClock();
        ModelFile file = ModelFile.open(path);
        try {
            return new ModelLoading(file, settings, new PackedStore(store.home()), clock);
        } catch (OutOfMemoryError e) {
            file.close();
            throw new ModelFileException("model must fit the memory: reason=" + e.getMessage() + ", file=" + path, e);
        } catch (RuntimeException | Error e) {
            file.close();
            throw e;
        }
    }

    private ModelLoading(ModelFile file, QuireSettings settings, PackedStore packed, LoadClock clock) {
        this.file = file;
        if (file.tensors().isEmpty()) {
            throw new ModelFileException("model file must have tensors to be served: tensors=0, file=" + file.path());
        }
        Architecture architecture = Architecture.of(file.metadata());
        int contextLength = contextLength(settings, architecture.contextLength(file.metadata()));
        ModelShape shape = architecture.shape(file, contextLength);
        Transformer.check(file, shape);
        clock.opened();
        Tokenizer tokenizer = Tokenizer.from(file);
        clock.tokenizerRead();
        ChatTemplate chatTemplate = ChatTemplate.from(file);
        Thread.ofVirtual().name("quire-template").start(() -> renderOnce(chatTemplate));
        model = new LoadedModel(
                settings.servedModelName().orElse(file.name().toLowerCase(Locale.ROOT)),
                tokenizer,
                chatTemplate,
                contextLength,
                shape.vocabulary(),
                modifiedSeconds(file.path()));
        endTokens = new BitSet(shape.vocabulary());
        IntStream.range(0, shape.vocabulary()).filter(tokenizer::endsGeneration).forEach(endTokens::set);
        int sequences = positive("quire.batch.sequences", settings.batch().sequences());
        int tokens = Math.max(
                sequences, positive("quire.batch.tokens", settings.batch().tokens()));
        int tableBlocks = Math.ceilDiv(contextLength, Kernels.PAGE_TOKENS);
        BatchLimits limits = new BatchLimits(
                tokens,
                sequences,
                sequences + SCORE_ROWS,
                tableBlocks,
                history(sequences, contextLength),
                sequences * SamplingParameters.MAX_BIASES);
        clock.skip();
        kernels = kernels(settings, shape, limits, packed);
        clock.kernelsOpened();
        cacheType = kernels.cacheType().label();
        try {
            transformer = Transformer.load(file, shape, kernels);
            clock.weightsLoaded();
            report = clock.report(file.path(), kernels.packing());
            if (kernels.packing().kind() == Packing.Kind.WRITTEN) {
                packed.removeFormer(file, kernels.packing().file());
            }
            int blocks = blocks(settings, kernels.blockBytes(), (long) sequences * tableBlocks);
            readinessLimits = ReadinessLimits.of(settings.health(), blocks);
            kernels.openCache(blocks);
            // The pool takes its memory as it is written to: what it may take is spent already.
            kernels.spendOnWeights((MemoryShare.freeBytes() - blocks * kernels.blockBytes()) / 2);
            batch = new Batch(limits);
            layout = Layouts.of(settings.cache(), blocks, openSwap(settings), contextLength);
            var bounds = new SchedulerLimits(
                    tokens, sequences, limits.rows(), watermark(settings, blocks), Layouts.admission(settings.cache()));
            scheduler = new Scheduler(layout, bounds, new PreemptionCost(preemption(settings.cache())), contextLength);
        } catch (RuntimeException | Error e) {
            kernels.close();
            throw e;
        }
    }

    private static int watermark(QuireSettings settings, int blocks) {
        return (int) Math.ceil(
                blocks * share("quire.cache.watermark", settings.cache().watermark()));
    }

    /// Headroom at which readiness ends and comes back.
    ReadinessLimits readinessLimits() {
        return readinessLimits;
    }

    LoadReport report() {
        return report;
    }

    /// Waits until packed weights that were written are on the disk.
    void awaitPacked() {
        kernels.awaitPacked();
    }

    LoadedModel model() {
        return model;
    }

    /// Tokens at which an answer ends.
    BitSet endTokens() {
        return endTokens;
    }

    Kernels kernels() {
        return kernels;
    }

    /// The name of the cache's type; any thread.
    String cacheType() {
        return cacheType;
    }

    Transformer transformer() {
        return transformer;
    }

    Batch batch() {
        return batch;
    }

    BlockPool pool() {
        return layout.pool();
    }

    CacheLayout layout() {
        return layout;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    /// Computes one token through the whole path, so that a fault shows before the first request.
    void warmUp() {
        batch.clear();
        batch.tokens = 1;
        batch.sequences = 1;
        batch.rows = 1;
        batch.token.put(0, 0);
        batch.position.put(0, 0);
        batch.slot.put(0, 0);
        batch.queryStart.put(1, 1);
        batch.contextLength.put(0, 1);
        batch.blockTable.put(0, 0);
        batch.greedyRow(0, 0);
        transformer.forward(batch);
        if (batch.outToken.get(0) == Batch.NO_TOKEN) {
            Packing packing = kernels.packing();
            // What another process packed may have been damaged since.
            String packed = packing.kind() == Packing.Kind.MAPPED
                    ? ", packed=" + packing.file() + ", remedy=remove it if the model is good"
                    : "";
            throw new IllegalStateException(
                    "the model must give a number for some token: file=" + file.path() + packed);
        }
    }

    @Override
    public void close() {
        kernels.close();
        file.close();
    }

    /// The first rendering loads the template interpreter's classes: not in a request.
    private static void renderOnce(ChatTemplate chatTemplate) {
        try {
            chatTemplate.render(List.of(Map.of("role", "user", "content", "Hello")), true);
        } catch (ChatTemplateException e) {
            LOG.debugf("the chat template does not take a lone user message: %s", e.getMessage());
        }
    }

    private Kernels kernels(QuireSettings settings, ModelShape shape, BatchLimits limits, PackedStore packed) {
        CacheType cacheType = CacheType.of(settings.cache().type());
        return switch (settings.backend()) {
            case "auto", "cpu" -> {
                String isa = settings.cpu().isa();
                Path packedFile =
                        switch (settings.packing()) {
                            case "disk" -> packed.file(file, CpuKernels.packLayout(isa));
                            case "memory" -> null;
                            default ->
                                throw new IllegalArgumentException(
                                        "quire.packing must be disk or memory: quire.packing=" + settings.packing());
                        };
                yield CpuKernels.open(shape, limits, settings.threads(), isa, cacheType, packedFile);
            }
            case "reference" -> new ReferenceKernels(shape, limits, cacheType, ActivationRounding.NONE, file::read);
            default ->
                throw new IllegalArgumentException(
                        "quire.backend must be auto, cpu or reference: quire.backend=" + settings.backend());
        };
    }

    /// Tokens of which penalties know, for all sequences together.
    private static int history(int sequences, int contextLength) {
        long history = (long) sequences * contextLength;
        if (history > MOST_HISTORY) {
            throw new IllegalArgumentException("sequences of the longest context must fit the history: "
                    + "quire.batch.sequences=" + sequences + ", quire.context-length=" + contextLength
                    + ", most=" + MOST_HISTORY);
        }
        return (int) history;
    }

    private static int contextLength(QuireSettings settings, int most) {
        int contextLength = settings.contextLength().orElse(Math.min(most, MOST_UNASKED));
        if (contextLength < 2 || contextLength > most) {
            throw new IllegalArgumentException("quire.context-length must be between 2 and the model's: "
                    + "quire.context-length=" + contextLength + ", contextLength=" + most);
        }
        return contextLength;
    }

    /// Blocks of the pool: the number that is set, or what the memory holds, but no more than could ever be used.
    private static int blocks(QuireSettings settings, long blockBytes, long mostUseful) {
        long freeBytes = MemoryShare.freeBytes();
        if (settings.cache().blocks().isPresent()) {
            int blocks =
                    positive("quire.cache.blocks", settings.cache().blocks().getAsInt());
            // Memory is given by the page as it is written to: a pool that cannot be there would fail in mid-answer.
            if (blocks > MOST_BLOCKS || blocks > freeBytes / blockBytes) {
                throw new IllegalArgumentException("quire.cache.blocks must fit the free memory: quire.cache.blocks="
                        + blocks + ", blockBytes=" + blockBytes + ", freeBytes=" + freeBytes);
            }
            return blocks;
        }
        String memory = settings.cache().memory();
        long bytes = MemoryShare.bytes("quire.cache.memory", memory, freeBytes);
        long blocks = Math.min(Math.min(bytes / blockBytes, mostUseful), MOST_BLOCKS);
        if (blocks < 1 || blocks > freeBytes / blockBytes) {
            throw new IllegalArgumentException(
                    "quire.cache.memory must hold at least one block and fit the free memory: quire.cache.memory="
                            + memory + ", blockBytes=" + blockBytes + ", freeBytes=" + freeBytes);
        }
        return (int) blocks;
    }

    /// Takes the swap space; returns its slots.
    private int openSwap(QuireSettings settings) {
        int slots = swapSlots(settings.cache(), kernels.blockBytes());
        if (slots > 0) {
            kernels.openSwap(slots);
        }
        return slots;
    }

    /// Slots of the swap space: only the paged layout has one.
    private static int swapSlots(QuireSettings.CacheSettings settings, long blockBytes) {
        if (settings.layout().equals("paged")) {
            long freeBytes = MemoryShare.freeBytes();
            long bytes = MemoryShare.bytes("quire.cache.swap", settings.swap(), freeBytes);
            if (bytes > freeBytes || bytes / blockBytes > MOST_BLOCKS) {
                throw new IllegalArgumentException("quire.cache.swap must fit the free memory: quire.cache.swap="
                        + settings.swap() + ", blockBytes=" + blockBytes + ", freeBytes=" + freeBytes);
            }
            return (int) (bytes / blockBytes);
        }
        return 0;
    }

    private static PreemptionCost.Mode preemption(QuireSettings.CacheSettings settings) {
        return switch (settings.preemption()) {
            case "auto" -> PreemptionCost.Mode.AUTO;
            case "recompute" -> PreemptionCost.Mode.RECOMPUTE;
            case "swap" -> PreemptionCost.Mode.SWAP;
            default ->
                throw new IllegalArgumentException("quire.cache.preemption must be auto, recompute or swap:"
                        + " quire.cache.preemption=" + settings.preemption());
        };
    }

    private static int positive(String name, int value) {
        if (value <= 0) {
            throw new IllegalArgumentException(name + " must be positive: " + name + "=" + value);
        }
        return value;
    }

    private static double share(String name, double value) {
        if (!(value >= 0 && value < 1)) {
            throw new IllegalArgumentException(name + " must be at least 0 and below 1: " + name + "=" + value);
        }
        return value;
    }

    private static long modifiedSeconds(Path path) {
        try {
            return Files.getLastModifiedTime(path).toMillis() / 1000;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
