package dev.quire.simulation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assertions.fail;

import dev.quire.cache.BlockPool;
import dev.quire.cache.CacheLayout;
import dev.quire.cache.Compaction;
import dev.quire.cache.PrefixIndex;
import dev.quire.cache.SequenceBlocks;
import dev.quire.cache.WeakHash;
import dev.quire.sampling.SamplingParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.PreemptionCost;
import dev.quire.scheduler.Scheduler;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.StepPlan;
import dev.quire.scheduler.TokenBuffer;
import dev.quire.simulation.Workload.Disturbance;
import dev.quire.simulation.Workload.Kind;
import dev.quire.simulation.Workload.Request;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/// Runs one workload through the real scheduler and cache as the engine's loop does, with steps for a clock, and
/// throws where a promise is broken: what every sequence reads (`FakeEngine`), what is counted (`Audit`), what is
/// shared (`NaivePrefixes`), what each sequence answers and how it ends (`Twin`), and that it ends at all.
final class Simulation {
    private static final SamplingParameters SAMPLING = SamplingParameters.greedy();

    private final Workload.Setup setup;
    private final BlockPool pool;
    private final CacheLayout layout;
    private final Scheduler scheduler;
    private final List<SimulatedSequence> sequences = new ArrayList<>(); // by arrival number
    private final List<Request> coming;
    private final List<Disturbance> disturbances;
    private final FakeEngine engine;
    private final Audit audit;
    private final NaivePrefixes prefixes;
    private final EvictionOrder evictions;
    private final List<Integer> untrusted = new ArrayList<>(); // blocks that failed sequences wrote in this step
    private final boolean keepsAll;
    private int now;
    private boolean forked; // in this step
    private long computedTokens;
    private long stalls;
    private Compaction compaction;
    private long compactions;

    private Simulation(Workload workload) {
        setup = workload.setup();
        keepsAll = workload.keepsAll();
        PrefixIndex index = setup.prefix()
                ? WeakHash.index(setup.blocks(), setup.blockSize(), setup.hashBits())
                : PrefixIndex.off();
        pool = new BlockPool(setup.blocks(), setup.blockSize(), index);
        layout = setup.memory().over(pool, workload.longest());
        scheduler = new Scheduler(
                layout, setup.limits(), new PreemptionCost(setup.memory().mode()));
        coming = new ArrayList<>(workload.requests());
        coming.sort(Comparator.comparingInt(Request::arrival));
        disturbances = new ArrayList<>(workload.disturbances());
        disturbances.sort(Comparator.comparingInt(Disturbance::step));
        engine = new FakeEngine(layout, setup.memory(), scheduler, sequences);
        audit = new Audit(layout, setup.memory().fit(), scheduler, setup.limits(), engine, sequences);
        prefixes = new NaivePrefixes(pool);
        evictions = new EvictionOrder(pool, scheduler, engine);
    }

    /// Runs `workload` to its end.
    static Simulation run(Workload workload) {
        var simulation = new Simulation(workload);
        simulation.run();
        return simulation;
    }

    BlockPool pool() {
        return pool;
    }

    Scheduler scheduler() {
        return scheduler;
    }

    CacheLayout layout() {
        return layout;
    }

    /// Steps in which a sequence that runs waited for blocks to leave.
    long stalls() {
        return stalls;
    }

    /// Rounds of compactions that were asked for in which something was moved.
    long compactions() {
        return compactions;
    }

    /// Searches of the workload.
    List<BeamTwin> searches() {
        return sequences.stream()
                .flatMap(sequence -> sequence.beams.stream())
                .distinct()
                .toList();
    }

    /// Tokens that all steps computed.
    long computedTokens() {
        return computedTokens;
    }

    private void run() {
        long steps = 0;
        long most = mostSteps();
        while (true) {
            arrive();
            engine.land(now);
            disturbBetweenSteps();
            compact();
            if (scheduler.idle()) {
                audit.checkIdle();
                if (coming.isEmpty()) {
                    break;
                }
                now = Math.max(now, coming.getFirst().arrival());
            } else {
                step();
                now++;
                if (++steps > most) {
                    fail("every sequence must end: steps=" + steps + ", running=" + scheduler.running() + ", waiting="
                            + scheduler.waiting());
                }
            }
        }
        for (SimulatedSequence sequence : sequences) {
            if (sequence.beams.isEmpty()) {
                checkEnd(sequence);
            } else if (sequence.choice == 0) {
                sequence.beams.get().checkEnd(setup.memory().paged());
            }
        }
        if (keepsAll) {
            assertEquals(0, scheduler.preemptions(), "nobody gives way by worst-case admission");
        }
    }

    /// The first in the order moves in every step, and loses what it has only to one that is before it, once, or
    /// to a disturbance.
    private long mostSteps() {
        long tokens = 0;
        long choices = 0;
        for (Request request : coming) {
            tokens += (long) request.width() * (request.prompt().length + request.maxTokens() + 1);
            choices += request.width();
        }
        long again = setup.memory().layout() == Workload.Layout.NONE ? tokens : 1;
        return tokens
                * again
                * (1 + choices + disturbances.size())
                * (5 + setup.memory().latency());
    }

    private void arrive() {
        while (!coming.isEmpty() && coming.getFirst().arrival() <= now) {
            Request request = coming.removeFirst();
            var endTokens = new BitSet();
            endTokens.set(setup.vocabulary() - 1, request.ends() ? setup.vocabulary() : setup.vocabulary() - 1);
            var spec = new Sequence.Spec(
                    sequences.size(),
                    request.priority(),
                    request.prompt(),
                    request.maxTokens(),
                    SAMPLING.withSeed(request.seed()),
                    endTokens,
                    TokenBuffer.NO_LOGPROBS,
                    request.scored(),
                    request.salt());
            if (request.beams().isPresent()) {
                search(request, spec);
                continue;
            }
            List<Sequence> group = Sequence.group(spec, request.choices(), layout);
            for (int choice = 0; choice < group.size(); choice++) {
                sequences.add(new SimulatedSequence(request, choice, group.get(choice), setup));
            }
            scheduler.add(group.getFirst());
        }
    }

    private void search(Request request, Sequence.Spec spec) {
        int vocabulary = setup.vocabulary();
        var twin = new BeamTwin(request, vocabulary, spec.endTokens());
        var group = new BeamGroup(spec, request.choices(), request.beams().orElseThrow(), vocabulary, layout);
        for (int place = 0; place < group.width(); place++) {
            twin.add(new SimulatedSequence(request, place, group.beam(place), setup, Optional.of(twin)));
        }
        sequences.addAll(twin.places());
        scheduler.add(group.leader());
    }

    private void step() {
        forked = false;
        List<FakeEngine.Run> runs = plan();
        stalls += runs.size() < scheduler.running() ? 1 : 0; // of those without beams
        if (runs.isEmpty()) {
            assertTrue(scheduler.transferring(), "a step must compute something, or wait for blocks");
            engine.idle(now);
            sequences.forEach(SimulatedSequence::remember);
            return;
        }
        if (disturbStep()) {
            engine.carryOutBadly(now);
            failPlanned(runs);
        } else {
            engine.carryOut(now);
            commit(runs);
        }
        spoilUntrusted();
        scheduler.checkInvariants();
        audit.checkCounters();
        if (!forked || setup.memory().paged()) { // else the copies are due in the next step
            audit.checkMemory();
        }
        evictions.note();
        sequences.forEach(SimulatedSequence::remember);
    }

    private List<FakeEngine.Run> plan() {
        evictions.beforePlan();
        StepPlan plan = scheduler.plan();
        scheduler.checkInvariants();
        List<FakeEngine.Run> runs = engine.build(plan);
        audit.checkPlan(plan, runs);
        prefixes.plan(runs);
        if (setup.memory().slots() == 0) { // what was swapped is held until its copy is done
            evictions.afterPlan(engine.fresh());
        }
        evictions.note();
        return runs;
    }

    private void failPlanned(List<FakeEngine.Run> runs) {
        for (FakeEngine.Run run : runs) {
            end(run.sequence(), TokenBuffer.Ending.FAILED);
        }
    }

    private void commit(List<FakeEngine.Run> runs) {
        List<FakeEngine.Run> computed = new ArrayList<>();
        for (int i = 0; i < runs.size(); i++) {
            FakeEngine.Run run = runs.get(i);
            boolean running = run.sequence().running();
            assertEquals(running, scheduler.computed(i), () -> "computed: " + run.sequence());
            if (running) {
                run.sequence().computedTokens += run.count();
                computedTokens += run.count();
                computed.add(run);
            }
        }
        scheduler.checkInvariants();
        prefixes.computed(computed);
        for (FakeEngine.Run run : computed) {
            score(run);
            drawTokens(run);
        }
    }

    /// Position p says how likely the prompt's token p + 1 was; each is scored once, in order.
    private static void score(FakeEngine.Run run) {
        TokenBuffer scores = run.sequence().sequence.promptScores();
        int count = Audit.scores(run.sequence().sequence, run);
        if (count > 0 && run.first() > scores.count()) {
            fail("no prompt position may be left out: first=" + run.first() + ", scores=" + scores.count() + ", "
                    + run.sequence());
        }
        for (int i = 0; i < count; i++) {
            scores.append(run.sequence().sequence.token(scores.count() + 1));
        }
    }

    /// What may follow a beam; with the last one the search goes on.
    private void offer(FakeEngine.Run run) {
        SimulatedSequence beam = run.sequence();
        if (!run.draws() || !beam.running()) {
            return; // or it has ended with another beam
        }
        if (beam.failsAtCommit) {
            end(beam, TokenBuffer.Ending.FAILED);
            return;
        }
        engine.offer(run);
        int length = beam.sequence.beams().orElseThrow().search().length();
        scheduler.offered(beam.sequence);
        if (!beam.running()) {
            prefixes.forget(); // it may have failed for want of answers
        } else if (beam.sequence.beams().orElseThrow().search().length() > length) {
            beam.beams.orElseThrow().follow();
        }
    }

    private void drawTokens(FakeEngine.Run run) {
        Sequence sequence = run.sequence().sequence;
        if (sequence.beams().isPresent()) {
            offer(run);
            return;
        }
        if (!run.draws()) {
            if (sequence.pending() == 0) {
                assertEquals(0, run.sequence().request.maxTokens(), () -> "no token drawn: " + run.sequence());
                assertTrue(scheduler.endIfFull(sequence), () -> "must want no token: " + run.sequence());
            }
            return;
        }
        List<SimulatedSequence> drawn = new ArrayList<>();
        List<Integer> tokens = new ArrayList<>();
        for (int i = 0; i < sequence.followers(); i++) {
            drawn.add(simulated(sequence.follower(i)));
        }
        drawn.add(run.sequence());
        drawn.forEach(each -> tokens.add(engine.draw(run, each, setup.vocabulary())));
        for (int i = 0; i < drawn.size(); i++) {
            SimulatedSequence each = drawn.get(i);
            if (each.sequence != sequence) {
                fork(sequence, each);
            }
            commitToken(each, tokens.get(i));
        }
    }

    /// In the contiguous layout the next step fills the blocks of the new sequence, and of all that were moved to
    /// make room for it.
    private void fork(Sequence leader, SimulatedSequence follower) {
        sequences.forEach(SimulatedSequence::noteFirst);
        assertEquals(follower.sequence, scheduler.fork(leader), "followers run in their order");
        if (!setup.memory().paged()) {
            sequences.forEach(each -> each.copied |= each == follower || each.hasMoved());
        }
        forked = true;
    }

    private void commitToken(SimulatedSequence sequence, int token) {
        if (sequence.failsAtCommit) {
            end(sequence, TokenBuffer.Ending.FAILED);
            return;
        }
        int position = sequence.sequence.length();
        if (position >= sequence.twin.token.length || sequence.twin.token[position] != token) {
            fail("sequence must draw what its twin draws: position=" + position + ", token=" + token + ", " + sequence);
        }
        scheduler.commit(sequence.sequence, token);
    }

    /// Ends a sequence early, and those that follow it. What a failed one wrote and nobody else holds is garbage
    /// from now on.
    private void end(SimulatedSequence ended, TokenBuffer.Ending ending) {
        Sequence sequence = ended.sequence;
        if (sequence.state() == Sequence.State.ENDED) {
            return;
        }
        ended.disturb(ending);
        for (int i = 0; i < sequence.followers(); i++) {
            simulated(sequence.follower(i)).disturb(ending);
        }
        List<Integer> wrote = new ArrayList<>(wrote(sequence));
        ended.beams.ifPresent(beams -> beams.places().forEach(place -> {
            place.disturb(ending);
            wrote.addAll(wrote(place.sequence));
        }));
        scheduler.end(sequence, ending, ending == TokenBuffer.Ending.FAILED ? "simulated" : "");
        if (ending == TokenBuffer.Ending.FAILED) {
            prefixes.forget();
            untrusted.addAll(wrote);
        }
        scheduler.checkInvariants();
    }

    private List<Integer> wrote(Sequence sequence) {
        SequenceBlocks table = sequence.table();
        List<Integer> wrote = new ArrayList<>();
        for (int i = table.sharedTokens() / pool.blockSize(); i < table.blocks(); i++) {
            if (table.block(i) >= 0) {
                wrote.add(table.block(i));
            }
        }
        return wrote;
    }

    /// Not before the step is over: its copies may come from such blocks.
    private void spoilUntrusted() {
        for (int block : untrusted) {
            boolean spoilt = setup.memory().paged() && pool.refCount(block) == 0 && !engine.inTransit(block);
            for (int offset = 0; offset < pool.blockSize() && spoilt; offset++) {
                engine.memory().spoil(block * pool.blockSize() + offset);
            }
        }
        untrusted.clear();
    }

    private SimulatedSequence simulated(Sequence sequence) {
        return sequences.get((int) sequence.arrival());
    }

    private void disturbBetweenSteps() {
        take(Kind.CANCEL).forEach(each -> end(each, TokenBuffer.Ending.CANCELLED));
        if (takeAny(Kind.END_ALL)) {
            prefixes.forget();
            for (SimulatedSequence sequence : sequences) {
                if (sequence.sequence.state() != Sequence.State.ENDED) {
                    sequence.disturb(TokenBuffer.Ending.FAILED);
                }
            }
            scheduler.endAll(TokenBuffer.Ending.FAILED, "simulated");
        }
    }

    /// One round of a compaction, if one is asked for or under way.
    private void compact() {
        boolean asked = takeAny(Kind.COMPACT);
        if (asked) {
            compaction = new Compaction(layout, setup.memory().compaction());
        }
        if (compaction == null || compaction.done()) {
            return;
        }
        long moves = pool.moves().blocks();
        scheduler.compact(compaction);
        compactions += pool.moves().blocks() > moves ? 1 : 0;
        scheduler.checkInvariants();
        audit.checkCounters();
        evictions.note();
        if (asked && compaction.done()) { // in one round: else blocks were taken in between
            audit.checkCompact(compaction);
        }
    }

    /// Disturbs the planned step; true if all of it fails.
    private boolean disturbStep() {
        List<SimulatedSequence> cancelled = take(Kind.CANCEL_IN_STEP);
        List<SimulatedSequence> failed = take(Kind.FAIL_IN_STEP);
        if (cancelled.size() + failed.size() > 0) {
            prefixes.forget();
        }
        cancelled.forEach(each -> end(each, TokenBuffer.Ending.CANCELLED));
        failed.forEach(each -> end(each, TokenBuffer.Ending.FAILED));
        take(Kind.FAIL_AT_COMMIT).forEach(each -> each.failsAtCommit = true);
        return takeAny(Kind.FAIL_STEP);
    }

    /// The sequences that disturbances of `kind` are about which are due; those that have not come or have ended
    /// are left alone.
    private List<SimulatedSequence> take(Kind kind) {
        List<SimulatedSequence> due = new ArrayList<>();
        for (int i = 0; i < disturbances.size() && disturbances.get(i).step() <= now; i++) {
            Disturbance disturbance = disturbances.get(i);
            if (disturbance.kind() == kind) {
                disturbances.remove(i--);
                for (SimulatedSequence sequence : sequences) {
                    if (sequence.request.id() == disturbance.id()
                            && sequence.choice == disturbance.choice()
                            && sequence.sequence.state() != Sequence.State.ENDED) {
                        due.add(sequence);
                    }
                }
            }
        }
        return due;
    }

    private boolean takeAny(Kind kind) {
        return disturbances.removeIf(each -> each.kind() == kind && each.step() <= now);
    }

    /// Who was not disturbed has all its tokens and computed none for nothing.
    private void checkEnd(SimulatedSequence ended) {
        TokenBuffer output = ended.sequence.output();
        assertEquals(Sequence.State.ENDED, ended.sequence.state(), ended::toString);
        assertEquals(ended.expectedEnding(), output.ending(), ended::toString);
        for (int i = 0; i < output.count(); i++) {
            assertEquals(ended.twin.token[ended.twin.promptLength + i], output.token(i), ended::toString);
        }
        if (!ended.complete()) {
            return;
        }
        assertEquals(ended.twin.answerLength(), output.count(), ended::toString);
        if (ended.request.scored()) {
            assertEquals(
                    ended.twin.promptLength - 1, ended.sequence.promptScores().count(), ended::toString);
        }
        if (!ended.interrupted && setup.memory().layout() != Workload.Layout.NONE) {
            int decoded = Math.max(0, output.count() - 1);
            int prefilled = ended.choice > 0 ? 0 : ended.twin.promptLength - ended.sequence.cachedTokens();
            assertEquals(prefilled + decoded, ended.computedTokens, () -> "tokens computed: " + ended);
        }
    }
}
