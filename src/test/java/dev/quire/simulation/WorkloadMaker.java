package dev.quire.simulation;

import dev.quire.cache.CompactionLimits;
import dev.quire.cache.ContiguousLayout;
import dev.quire.cache.RunAllocator;
import dev.quire.sampling.BeamParameters;
import dev.quire.sampling.BeamParameters.EarlyStopping;
import dev.quire.scheduler.AdmissionPolicy;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.SchedulerLimits;
import dev.quire.simulation.Workload.Disturbance;
import dev.quire.simulation.Workload.Kind;
import dev.quire.simulation.Workload.Layout;
import dev.quire.simulation.Workload.Memory;
import dev.quire.simulation.Workload.Request;
import dev.quire.simulation.Workload.Setup;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;

/// Makes a random workload from a seed. Sizes are small, so that what is rare in a server (no block left, a block
/// boundary, a collision, equal tokens in different sequences) happens all the time.
final class WorkloadMaker {
    private static final int[] BLOCK_SIZES = {1, 2, 4, 4, 16};
    private static final int[] VOCABULARIES = {2, 3, 5, 50};
    private static final int[] HASH_BITS = {0, 1, 3, Workload.ALL_BITS, Workload.ALL_BITS};

    private final SplittableRandom random;
    private final int blockSize;
    private final int vocabulary;
    private final int sequences;
    private final boolean crowded; // many runs of different lengths, in the contiguous layout
    private final List<Request> requests = new ArrayList<>();
    private final List<int[]> streams = new ArrayList<>(); // what the requests so far come to, answers included

    private WorkloadMaker(long seed) {
        random = new SplittableRandom(seed);
        blockSize = any(BLOCK_SIZES);
        vocabulary = any(VOCABULARIES);
        crowded = one(10);
        sequences = (crowded ? 4 : 1) + random.nextInt(crowded ? 5 : 8);
    }

    static Workload make(long seed) {
        return new WorkloadMaker(seed).make();
    }

    private Workload make() {
        int count = crowded ? 10 + random.nextInt(20) : 1 + random.nextInt(one(4) ? 16 : 6);
        int pace = crowded ? 1 : any(0, 0, 1, 4, 12);
        int arrival = 0;
        for (int id = 0; id < count; id++) {
            arrival += pace == 0 ? 0 : random.nextInt(pace + 1);
            Request request = request(id, arrival);
            requests.add(request);
            streams.add(new Twin(request, 0, vocabulary).token);
        }
        var workload = new Workload(setup(), List.copyOf(requests), disturbances(arrival));
        while (!workload.fits()) { // beams in a layout that does not share
            workload = new Workload(larger(workload.setup()), workload.requests(), workload.disturbances());
        }
        return workload;
    }

    private static Setup larger(Setup setup) {
        return new Setup(
                setup.blocks() + 1,
                setup.blockSize(),
                setup.limits(),
                setup.prefix(),
                setup.hashBits(),
                setup.vocabulary(),
                setup.memory());
    }

    private Setup setup() {
        boolean searching =
                requests.stream().anyMatch(request -> request.beams().isPresent());
        int largest = 1;
        int all = 0;
        for (Request request : requests) {
            int once = request.prompt().length / blockSize * (request.width() - 1); // at most, of a search's prompt
            int blocks = Math.ceilDiv(request.prompt().length + request.maxTokens(), blockSize);
            blocks = request.beams().isPresent() ? blocks * request.width() - once : blocks;
            largest = Math.max(largest, blocks);
            all += blocks * (request.beams().isPresent() ? 1 : request.choices());
        }
        int blocks = largest
                + switch (random.nextInt(searching && !one(3) ? 2 : 4)) {
                    case 0 -> 0;
                    case 1 -> random.nextInt(4);
                    case 2 -> random.nextInt(2 * largest + 4);
                    default -> all;
                };
        int tokens = sequences + random.nextInt(any(1, 4 * blockSize, 100, 400));
        int rows = sequences + random.nextInt(any(1, 6));
        int watermark = random.nextInt(any(1, 3));
        boolean prefix = !one(8);
        int hashBits = any(HASH_BITS);
        Memory memory = memory(blocks);
        if (crowded) {
            blocks = largest + random.nextInt(1 + largest); // so that runs lie in each other's way
        }
        if (memory.layout() == Layout.CONTIGUOUS && memory.fit() == RunAllocator.Policy.BUDDY) {
            blocks = Integer.highestOneBit(2 * blocks); // the longest run must have room
        }
        if (memory.paged() && memory.slots() > 0) {
            blocks = largest + random.nextInt(1 + largest / 4); // so that many must give way
        }
        boolean careful = memory.slots() == 0 && one(4);
        var admission = careful ? AdmissionPolicy.WORST_CASE : AdmissionPolicy.OPTIMISTIC;
        var limits = new SchedulerLimits(tokens, sequences, rows, watermark, admission);
        return new Setup(blocks, blockSize, limits, memory.paged() && prefix, hashBits, vocabulary, memory);
    }

    /// Half of the time without anything special.
    private Memory memory(int blocks) {
        if (!crowded && one(2)) {
            return Memory.PAGED;
        }
        Layout layout = !crowded && one(2) ? Layout.PAGED : !crowded && one(3) ? Layout.NONE : Layout.CONTIGUOUS;
        return new Memory(
                layout,
                one(3) ? random.nextInt(blocks) : 2 * blocks,
                one(6) ? PreemptionCost.Mode.RECOMPUTE : one(2) ? PreemptionCost.Mode.AUTO : PreemptionCost.Mode.SWAP,
                random.nextInt(4),
                RunAllocator.Policy.values()[random.nextInt(3)],
                ContiguousLayout.Reserve.values()[random.nextInt(3)],
                random.nextInt(1 + 2 * blockSize),
                new CompactionLimits(one(4) ? 1 : one(2) ? 0 : 0.3, any(1, 1, 2, 4, 32)));
    }

    private Request request(int id, int arrival) {
        if (one(6)) {
            return search(id, arrival);
        }
        boolean scored = one(8);
        int[] prompt = prompt();
        return new Request(
                id,
                arrival,
                prompt,
                scored && one(3) ? 0 : 1 + length(one(3) ? 32 : 8),
                random.nextInt(one(2) ? 3 : 1_000),
                one(3) ? 1 + random.nextInt(Math.min(5, sequences)) : 1,
                one(3) ? random.nextInt(3) - 1 : 0,
                scored,
                !one(3),
                one(5) ? "b" : "a");
    }

    private Request search(int id, int arrival) {
        int width = 1 + random.nextInt(Math.min(6, sequences));
        float lengthPenalty = any(0, 1, 1, -1, 2) / (one(3) ? 2f : 1f);
        EarlyStopping earlyStopping = EarlyStopping.values()[random.nextInt(3)];
        return new Request(
                id,
                arrival,
                prompt(),
                1 + length(one(2) ? 24 : 8),
                random.nextInt(one(2) ? 3 : 1_000),
                1 + random.nextInt(width),
                one(3) ? random.nextInt(3) - 1 : one(2) ? 1 : 0,
                false,
                one(2),
                one(5) ? "b" : "a",
                Optional.of(new BeamParameters(width, lengthPenalty, earlyStopping)));
    }

    /// A new prompt, or one that begins as an earlier request does: with a part of its prompt, or with all that
    /// was said and something new.
    private int[] prompt() {
        int[] before =
                requests.isEmpty() || crowded || one(5) ? new int[0] : streams.get(random.nextInt(streams.size()));
        int kept = one(2) ? before.length : Math.min(before.length, length(40));
        int added = length(one(6) ? 40 : 12);
        int[] prompt = new int[Math.max(1, kept + added)];
        System.arraycopy(before, 0, prompt, 0, Math.min(kept, prompt.length));
        for (int at = kept; at < prompt.length; at++) {
            prompt[at] = random.nextInt(vocabulary);
        }
        return prompt;
    }

    /// Up to `most`; half of the time whole blocks, or one token more or less.
    private int length(int most) {
        int length = random.nextInt(most + 1);
        if (one(2)) {
            length = length / blockSize * blockSize + random.nextInt(3) - 1;
        }
        return Math.max(0, Math.min(most, length));
    }

    private List<Disturbance> disturbances(int lastArrival) {
        List<Disturbance> disturbances = new ArrayList<>();
        int count = one(3) ? 0 : 1 + random.nextInt(1 + requests.size());
        for (int i = 0; i < count; i++) {
            Kind kind =
                    switch (random.nextInt(24)) {
                        case 0 -> Kind.FAIL_STEP;
                        case 1 -> Kind.END_ALL;
                        case 2, 3, 4, 5 -> Kind.FAIL_AT_COMMIT;
                        case 6, 7, 8, 9, 10, 11 -> Kind.FAIL_IN_STEP;
                        case 12, 13, 14, 15, 16, 17 -> Kind.CANCEL_IN_STEP;
                        default -> Kind.CANCEL;
                    };
            // Rather an early one, whose prefix others share.
            Request request = requests.get(random.nextInt(1 + random.nextInt(requests.size())));
            int step = one(4) ? random.nextInt(lastArrival + 20) : request.arrival() + random.nextInt(any(1, 1, 4, 12));
            int choice = one(2) ? 0 : random.nextInt(request.width());
            disturbances.add(new Disturbance(step, kind, request.id(), choice));
        }
        for (int i = one(2) ? random.nextInt(6) : 0; i > 0; i--) {
            disturbances.add(new Disturbance(random.nextInt(lastArrival + 20), Kind.COMPACT, 0, 0));
        }
        return List.copyOf(disturbances);
    }

    private boolean one(int of) {
        return random.nextInt(of) == 0;
    }

    private int any(int... values) {
        return values[random.nextInt(values.length)];
    }
}
