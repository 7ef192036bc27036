package dev.quire.simulation;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.PagedLayout;
import dev.quire.cache.RunAllocator;
import dev.quire.cache.SwapSpace;
import dev.quire.cache.UncachedLayout;
import dev.quire.sampling.BeamParameters;
import dev.quire.scheduler.AdmissionPolicy;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/// Everything that happens in one simulation, as data. Its text is the Java that makes it, to be pasted into a
/// test.
record Workload(Setup setup, List<Request> requests, List<Disturbance> disturbances) {
    /// Bits of the real hash function.
    static final int ALL_BITS = Long.SIZE;

    /// - `prefix`: whether there is a prefix index; `hashBits`: what it keeps of its hashes
    /// - `vocabulary`: token ids are below it, the last one ends a sequence
    /// - `memory`: how blocks are given out, and where they go
    record Setup(
            int blocks,
            int blockSize,
            SchedulerLimits limits,
            boolean prefix,
            int hashBits,
            int vocabulary,
            Memory memory) {
        /// Paged, without a swap space.
        Setup(int blocks, int blockSize, SchedulerLimits limits, boolean prefix, int hashBits, int vocabulary) {
            this(blocks, blockSize, limits, prefix, hashBits, vocabulary, Memory.PAGED);
        }

        @Override
        public String toString() {
            String admission = limits.admission() == AdmissionPolicy.OPTIMISTIC ? "" : ", AdmissionPolicy.WORST_CASE";
            return "new Setup(%d, %d, new SchedulerLimits(%d, %d, %d, %d%s), %b, %d, %d, %s)"
                    .formatted(
                            blocks,
                            blockSize,
                            limits.tokens(),
                            limits.sequences(),
                            limits.rows(),
                            limits.watermark(),
                            admission,
                            prefix,
                            hashBits,
                            vocabulary,
                            memory);
        }
    }

    /// How blocks are given out.
    enum Layout {
        PAGED,
        CONTIGUOUS,
        NONE
    }

    /// - `slots`: of the swap space, and `mode`: when it is used; `latency`: steps that a copy there or back
    ///   takes, at most
    /// - `fit`, `reserve`, `estimate`: of the contiguous layout
    /// - `compaction`: when blocks are moved together
    record Memory(
            Layout layout,
            int slots,
            PreemptionCost.Mode mode,
            int latency,
            RunAllocator.Policy fit,
            ContiguousLayout.Reserve reserve,
            int estimate,
            CompactionLimits compaction) {
        static final Memory PAGED = new Memory(
                Layout.PAGED,
                0,
                PreemptionCost.Mode.RECOMPUTE,
                0,
                RunAllocator.Policy.FIRST_FIT,
                ContiguousLayout.Reserve.REQUEST,
                0,
                new CompactionLimits(0, 4));

        boolean paged() {
            return layout == Layout.PAGED;
        }

        /// The layout over `pool`, for sequences of at most `longest` tokens.
        CacheLayout over(BlockPool pool, int longest) {
            return switch (layout) {
                case PAGED -> new PagedLayout(pool, new SwapSpace(slots));
                case CONTIGUOUS -> new ContiguousLayout(pool, fit, reserve, longest, estimate, compaction);
                case NONE -> new UncachedLayout(pool);
            };
        }

        @Override
        public String toString() {
            if (equals(PAGED)) {
                return "Memory.PAGED";
            }
            return "new Memory(Layout.%s, %d, PreemptionCost.Mode.%s, %d, RunAllocator.Policy.%s, ContiguousLayout.Reserve.%s, %d, new CompactionLimits(%s, %d))"
                    .formatted(
                            layout,
                            slots,
                            mode,
                            latency,
                            fit,
                            reserve,
                            estimate,
                            compaction.threshold(),
                            compaction.copies());
        }
    }

    /// - `id`: what disturbances call it; `arrival`: the step before which it comes
    /// - `ends`: whether the last token of the vocabulary ends it
    /// - `beams`: of the search whose best hypotheses the choices are, instead of drawn ones
    record Request(
            int id,
            int arrival,
            int[] prompt,
            int maxTokens,
            long seed,
            int choices,
            int priority,
            boolean scored,
            boolean ends,
            String salt,
            Optional<BeamParameters> beams) {
        /// Drawn.
        Request(
                int id,
                int arrival,
                int[] prompt,
                int maxTokens,
                long seed,
                int choices,
                int priority,
                boolean scored,
                boolean ends,
                String salt) {
            this(id, arrival, prompt, maxTokens, seed, choices, priority, scored, ends, salt, Optional.empty());
        }

        /// Sequences that it takes at once.
        int width() {
            return beams.map(BeamParameters::width).orElse(choices);
        }

        /// Most blocks that it must have at once.
        int mostBlocks(CacheLayout layout) {
            int stored = Sequence.storedTokens(prompt.length, maxTokens);
            return beams.isPresent() ? layout.mostBlocks(stored, prompt.length, width()) : layout.mostBlocks(stored);
        }

        private String search() {
            return beams.map(search -> ", Optional.of(new BeamParameters(%d, %sf, EarlyStopping.%s))"
                            .formatted(search.width(), search.lengthPenalty(), search.earlyStopping()))
                    .orElse("");
        }

        @Override
        public String toString() {
            String tokens = Arrays.stream(prompt).mapToObj(Integer::toString).collect(Collectors.joining(", "));
            return "new Request(%d, %d, new int[] {%s}, %d, %dL, %d, %d, %b, %b, \"%s\"%s)"
                    .formatted(id, arrival, tokens, maxTokens, seed, choices, priority, scored, ends, salt, search());
        }
    }

    /// What goes wrong.
    enum Kind {
        /// The reader goes away between two steps.
        CANCEL,
        /// The sequence is cancelled when it is planned, before it is computed.
        CANCEL_IN_STEP,
        /// It fails there.
        FAIL_IN_STEP,
        /// It fails when its token is to be drawn.
        FAIL_AT_COMMIT,
        /// The kernels refuse the step: all that it planned fails.
        FAIL_STEP,
        /// The engine ends everything that it has.
        END_ALL,
        /// Somebody asks for a compaction.
        COMPACT
    }

    /// In the first step from `step` on; to choice `choice` of request `id`, where it is about one.
    record Disturbance(int step, Kind kind, int id, int choice) {
        @Override
        public String toString() {
            return "new Disturbance(%d, Kind.%s, %d, %d)".formatted(step, kind, id, choice);
        }
    }

    /// Whether the engine's door would let every request in.
    boolean fits() {
        CacheLayout layout = setup.memory().over(new BlockPool(setup.blocks(), setup.blockSize()), longest());
        return requests.stream().allMatch(request -> {
            return request.width() <= setup.limits().sequences() && request.mostBlocks(layout) <= setup.blocks();
        });
    }

    /// Whether nobody may ever give way: admission sees to it, and each group fits the empty pool at its longest.
    boolean keepsAll() {
        boolean estimated = setup.memory().layout() == Layout.CONTIGUOUS
                && setup.memory().reserve() == ContiguousLayout.Reserve.ESTIMATE;
        CacheLayout layout = setup.memory().over(new BlockPool(setup.blocks(), setup.blockSize()), longest());
        return setup.limits().admission() == AdmissionPolicy.WORST_CASE
                && !estimated
                && requests.stream().allMatch(request -> {
                    int tokens = request.prompt().length;
                    int stored = Sequence.storedTokens(tokens, request.maxTokens());
                    int forks = (request.width() - 1) * layout.mostForkBlocks(tokens, stored);
                    return layout.mostBlocks(stored) + forks <= setup.blocks();
                });
    }

    /// Tokens of the longest sequence.
    int longest() {
        return requests.stream()
                .mapToInt(request -> Sequence.storedTokens(request.prompt().length, request.maxTokens()))
                .max()
                .orElse(1);
    }

    @Override
    public String toString() {
        return "new Workload(\n    " + setup + ",\n    " + list(requests) + ",\n    " + list(disturbances) + ")";
    }

    private static String list(List<?> items) {
        return items.stream().map(Object::toString).collect(Collectors.joining(",\n        ", "List.of(", ")"));
    }
}
