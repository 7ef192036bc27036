package dev.quire.engine;

import dev.quire.cache.CorruptStateException;
import dev.quire.engine.EngineStats.State;
import dev.quire.format.ModelFileException;
import dev.quire.kernel.KernelFaultException;
import dev.quire.kernel.Kernels;
import dev.quire.sampling.BeamParameters;
import dev.quire.scheduler.BeamGroup;
import dev.quire.scheduler.Demand;
import dev.quire.scheduler.Sequence;
import dev.quire.scheduler.TokenBuffer;
import io.smallrye.mutiny.Multi;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Function;
import org.jboss.logging.Logger;

/// The engine as other threads see it: one instance per process, started once, closed once.
///
/// `start` returns at once; the engine thread opens the model, takes the pool, computes one token and then runs
/// steps until `close`. Requests are taken from `READY` on.
public final class InferenceEngine implements AutoCloseable {
    private static final Logger LOG = Logger.getLogger(InferenceEngine.class);

    /// What a refused caller is told to wait: a queue of short answers moves within it.
    private static final int RETRY_AFTER_SECONDS = 1;

    private final QuireSettings settings;
    private final Inbox inbox;
    private final Outbox outbox;
    private final AnswerRoom room;
    private final StatsBoard stats;
    private final AtomicLong arrivals = new AtomicLong();
    private final CompletableFuture<Void> settled = new CompletableFuture<>(); // READY, FAILED or STOPPED
    private final Thread thread;
    private volatile ModelLoading loading;
    private volatile EngineLoop loop;
    private volatile boolean closed;

    private InferenceEngine(QuireSettings settings, AnswerRoom room) {
        this.settings = settings;
        this.room = room;
        inbox = new Inbox(settings.queue().capacity());
        outbox = new Outbox(settings.streamTimeout().toNanos());
        stats = new StatsBoard(inbox);
        thread = Thread.ofPlatform().name("quire-engine").daemon().unstarted(this::run);
        inbox.attach(thread);
    }

    /// Starts the engine. A setting that cannot be used shows as state `FAILED`, like a model that cannot.
    public static InferenceEngine start(QuireSettings settings) {
        return start(settings, AnswerRoom.ofHeap());
    }

    static InferenceEngine start(QuireSettings settings, AnswerRoom room) {
        InferenceEngine engine = new InferenceEngine(settings, room);
        engine.outbox.start();
        engine.thread.start();
        return engine;
    }

    /// Checks `request` at the door and puts it into the inbox. Any thread.
    public Submission submit(GenerationRequest request) {
        return submit(request, "");
    }

    /// The same; `name` is what an inspection calls it: the id of its answer.
    public Submission submit(GenerationRequest request, String name) {
        EngineLoop running = loop;
        State state = stats.state();
        if (state != State.READY || running == null) {
            return new Submission.Unavailable(stats.read().stateReason(), RETRY_AFTER_SECONDS);
        }
        return Door.check(request, loading).orElseGet(() -> enter(request, name));
    }

    private Submission enter(GenerationRequest request, String name) {
        if (inbox.taken() >= inbox.capacity()) {
            return queueFull(); // before anything is made for it; the bound itself is kept below
        }
        var spec = new Sequence.Spec(
                arrivals.getAndAdd(request.beams().map(BeamParameters::width).orElse(request.choices())),
                request.priority(),
                request.prompt(),
                Door.maxTokens(request, loading),
                request.sampling(),
                Door.endTokens(request, loading),
                request.logprobs(),
                request.scorePrompt(),
                request.cacheSalt(),
                name);
        long bytes = request.beams()
                .map(beams -> Demand.heapBytes(spec, request.choices(), beams))
                .orElseGet(() -> Demand.heapBytes(spec, request.choices()));
        if (!room.take(bytes)) {
            return new Submission.AnswersTooLarge(bytes, room.bytes(), RETRY_AFTER_SECONDS);
        }
        List<Sequence> group = group(spec, request);
        var stream = new TokenStream(group, inbox, loading.model().tokenizer(), request.stop());
        outbox.add(stream, () -> room.free(bytes));
        if (!inbox.offer(group.getFirst())) {
            outbox.remove(stream);
            return queueFull();
        }
        if (stats.state() != State.READY) {
            // The loop may have ended since the check above: then nobody takes the sequences out, and they end here.
            inbox.cancel(group.getFirst());
            String reason = stats.read().stateReason();
            group.forEach(sequence -> sequence.output().end(TokenBuffer.Ending.FAILED, reason));
            outbox.wake();
        }
        return new Submission.Accepted(Multi.createFrom().publisher(stream));
    }

    /// A sequence for each choice, of which the first leads.
    private List<Sequence> group(Sequence.Spec spec, GenerationRequest request) {
        int vocabulary = loading.model().vocabulary();
        return request.beams()
                .map(beams -> new BeamGroup(spec, request.choices(), beams, vocabulary, loading.layout()).answers())
                .orElseGet(() -> Sequence.group(spec, request.choices(), loading.layout()));
    }

    private Submission queueFull() {
        return new Submission.QueueFull(inbox.capacity(), RETRY_AFTER_SECONDS);
    }

    /// At most `limit` blocks of the pool from block `from` on. Any thread.
    public CompletionStage<Inspection<CachePage<CacheBlock>>> blocks(int from, int limit) {
        return ask(running -> running.inspector().blocks(from, limit));
    }

    /// At most `limit` of the sequences that have not ended, by id, from the one after `after` on. Any thread.
    public CompletionStage<Inspection<CachePage<CacheSequence>>> sequences(long after, int limit) {
        return ask(running -> running.inspector().sequences(after, limit));
    }

    /// The block table of one sequence, unless it has ended. Any thread.
    public CompletionStage<Inspection<Optional<CacheTable>>> table(long id) {
        return ask(running -> running.inspector().table(id));
    }

    /// What becomes of blocks from now on, step by step; slow listeners miss some of it. Any thread; subscribe
    /// once, and cancel to end it.
    public Inspection<Multi<CacheEvents>> listen() {
        EngineLoop running = loop;
        return stats.state() == State.READY && running != null
                ? running.feed().listen()
                : Commands.unavailable(stats.read().stateReason());
    }

    /// Moves blocks together if they lie too far apart; completes when that is done. Any thread.
    public CompletionStage<Inspection<CacheCompaction>> compact() {
        return ask(running -> running.compactor().ask(Layouts.compaction(settings.cache())))
                .thenCompose(begun -> switch (begun) {
                    case Inspection.Answered<CompletionStage<Inspection<CacheCompaction>>>(var end) -> end;
                    case Inspection.Busy<CompletionStage<Inspection<CacheCompaction>>>(
                            var what,
                            var capacity,
                            var seconds) ->
                        CompletableFuture.completedStage(new Inspection.Busy<>(what, capacity, seconds));
                    case Inspection.Unavailable<CompletionStage<Inspection<CacheCompaction>>>(
                            var reason,
                            var seconds) ->
                        CompletableFuture.completedStage(new Inspection.Unavailable<>(reason, seconds));
                });
    }

    /// Has the engine thread do something short between two steps. Any thread; what follows the stage does not run
    /// on the engine thread.
    private <T> CompletionStage<Inspection<T>> ask(Function<EngineLoop, T> command) {
        EngineLoop running = loop;
        return stats.state() == State.READY && running != null
                ? inbox.commands().ask(() -> command.apply(running))
                : CompletableFuture.completedStage(
                        Commands.unavailable(stats.read().stateReason()));
    }

    /// Whether `quire.inspect.enabled` lets strangers ask.
    public boolean inspectable() {
        return settings.inspect().enabled();
    }

    /// The state after the last step. Any thread.
    public EngineStats stats() {
        return stats.read();
    }

    /// Streams that are not yet read to their end.
    int openStreams() {
        return outbox.open();
    }

    /// The model, once it is loaded. Any thread.
    public Optional<LoadedModel> model() {
        return Optional.ofNullable(loading).map(ModelLoading::model);
    }

    /// How the cache keeps keys and values (`bf16`), once it is there. Any thread.
    public Optional<String> cacheType() {
        return Optional.ofNullable(loading).map(ModelLoading::cacheType);
    }

    /// When requests should not be sent here, once the pool is there. Any thread.
    public Optional<ReadinessLimits> readinessLimits() {
        return Optional.ofNullable(loading).map(ModelLoading::readinessLimits);
    }

    /// Completes when starting is over, one way or the other. Any thread; each caller gets a stage of its own.
    public CompletionStage<Void> settled() {
        return settled.copy();
    }

    /// Waits until the engine takes requests; false if it failed or `timeoutMillis` passed.
    public boolean awaitReady(long timeoutMillis) {
        try {
            settled.get(timeoutMillis, TimeUnit.MILLISECONDS);
            return stats.state() == State.READY;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        } catch (ExecutionException | TimeoutException e) {
            return false;
        }
    }

    /// Ends every request with an error, gives the pool back and ends the engine thread.
    @Override
    public void close() {
        closed = true;
        if (stats.state() != State.FAILED) {
            stats.state(State.STOPPED, "the server is shutting down");
        }
        EngineLoop running = loop;
        if (running == null) {
            thread.interrupt(); // it may be fetching a model, which can take minutes
        } else {
            running.stop();
        }
        try {
            thread.join();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        outbox.close();
    }

    private void run() {
        long started = System.nanoTime();
        try (ModelLoading opened = ModelLoading.open(settings)) {
            opened.warmUp();
            loading = opened;
            loop = new EngineLoop(inbox, outbox, stats, opened);
            loop.publishPool(opened);
            becomeReady(opened, started);
            serve();
        } catch (ModelFileException | IllegalArgumentException | IllegalStateException e) {
            startFailed(e.getMessage()); // a model or a setting that cannot be used: one line for the user
        } catch (RuntimeException | Error e) {
            LOG.error("engine could not start: " + e, e);
            startFailed(e.toString());
        } finally {
            settled.complete(null);
        }
    }

    private void becomeReady(ModelLoading opened, long startedNanos) {
        int blocks = opened.pool().blocks();
        long megabytes = blocks * opened.kernels().blockBytes() >> 20;
        LOG.infof(
                "%s ready in %d ms: %s, %d blocks of %d tokens (%d MiB)",
                opened.model().name(),
                (System.nanoTime() - startedNanos) / 1_000_000,
                opened.kernels().description(),
                blocks,
                Kernels.PAGE_TOKENS,
                megabytes);
        LOG.info(opened.report().summary());
        stats.ready();
        settled.complete(null);
    }

    /// Runs steps until `close` or a fault; either way every request gets its end.
    private void serve() {
        String reason = "the server is shutting down";
        try {
            if (!closed) {
                loop.run();
            }
        } catch (KernelFaultException e) {
            reason = "the engine has stopped: " + e.getMessage();
            LOG.error("engine stopped, kernels failed: " + e.getMessage());
            fail(reason);
        } catch (RuntimeException | Error e) {
            reason = "the engine has stopped: " + e.getMessage();
            String kind = e instanceof CorruptStateException ? "state is corrupt" : "step failed";
            LOG.error("engine stopped, " + kind + ": " + e.getMessage(), e);
            fail(reason);
        } finally {
            endAll(reason);
        }
    }

    private void endAll(String reason) {
        try {
            loop.endAll(reason);
        } catch (CorruptStateException e) {
            LOG.error("pool was in doubt when the engine ended: " + e.getMessage(), e);
            fail("the engine has stopped: " + e.getMessage());
        } finally {
            inbox.commands().close(reason);
            loop.feed().close();
            loop.compactor().close(reason);
        }
    }

    /// A start that `close` broke off has not failed.
    private void startFailed(String reason) {
        if (!closed) {
            fail(reason);
        }
    }

    private void fail(String reason) {
        stats.state(State.FAILED, reason);
    }
}
