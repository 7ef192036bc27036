package dev.quire.simulation;

import dev.quire.scheduler.SchedulerLimits;
import dev.quire.scheduler.Sequence;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/// Everything that happens in one simulation, as data. Its text is the Java that makes it, to be pasted into a test.
record Workload(Setup setup, List<Request> requests, List<Disturbance> disturbances) {
    /// Bits of the real hash function.
    static final int ALL_BITS = Long.SIZE;

    /// - `prefix`: whether there is a prefix index; `hashBits`: what it keeps of its hashes
    /// - `vocabulary`: token ids are below it, the last one ends a sequence
    record Setup(int blocks, int blockSize, SchedulerLimits limits, boolean prefix, int hashBits, int vocabulary) {
        @Override
        public String toString() {
            return "new Setup(%d, %d, new SchedulerLimits(%d, %d, %d, %d), %b, %d, %d)"
                    .formatted(
                            blocks,
                            blockSize,
                            limits.tokens(),
                            limits.sequences(),
                            limits.rows(),
                            limits.watermark(),
                            prefix,
                            hashBits,
                            vocabulary);
        }
    }

    /// - `id`: what disturbances call it; `arrival`: the step before which it comes
    /// - `ends`: whether the last token of the vocabulary ends it
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
            String salt) {
        @Override
        public String toString() {
            String tokens = Arrays.stream(prompt).mapToObj(Integer::toString).collect(Collectors.joining(", "));
            return "new Request(%d, %d, new int[] {%s}, %d, %dL, %d, %d, %b, %b, \"%s\")"
                    .formatted(id, arrival, tokens, maxTokens, seed, choices, priority, scored, ends, salt);
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
        END_ALL
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
        return requests.stream().allMatch(request -> {
            int stored = Sequence.storedTokens(request.prompt().length, request.maxTokens());
            return request.choices() <= setup.limits().sequences()
                    && Math.ceilDiv(stored, setup.blockSize()) <= setup.blocks();
        });
    }

    @Override
    public String toString() {
        return "new Workload(\n    " + setup + ",\n    " + list(requests) + ",\n    " + list(disturbances) + ")";
    }

    private static String list(List<?> items) {
        return items.stream().map(Object::toString).collect(Collectors.joining(",\n        ", "List.of(", ")"));
    }
}
