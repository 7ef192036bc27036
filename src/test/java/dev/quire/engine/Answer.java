package dev.quire.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A reader of one stream, who collects everything and can stop reading.
public final class Answer implements Flow.Subscriber<GenerationEvent> {
    private final CountDownLatch done = new CountDownLatch(1);
    private final AtomicInteger seen = new AtomicInteger();
    private final List<Integer> tokens = new ArrayList<>();
    private final List<TokenLogprob> logprobs = new ArrayList<>();
    private final List<TokenLogprob> promptLogprobs = new ArrayList<>();
    private final StringBuilder text = new StringBuilder();
    private final long demand;
    private volatile GenerationEvent end;
    private volatile Flow.Subscription subscription;

    private Answer(long demand) {
        this.demand = demand;
    }

    /// Submits a request that must be accepted, and reads all of it.
    public static Answer to(InferenceEngine engine, GenerationRequest request) {
        return to(engine, request, Long.MAX_VALUE);
    }

    /// The same, asking for `demand` events only.
    public static Answer to(InferenceEngine engine, GenerationRequest request, long demand) {
        Answer answer = new Answer(demand);
        switch (engine.submit(request)) {
            case Submission.Accepted(var events) -> events.subscribe(answer);
            case Submission other -> throw new AssertionError("request must be accepted: submission=" + other);
        }
        return answer;
    }

    /// Reads all of a stream that was accepted.
    public static Answer to(Flow.Publisher<GenerationEvent> events) {
        Answer answer = new Answer(Long.MAX_VALUE);
        events.subscribe(answer);
        return answer;
    }

    @Override
    public void onSubscribe(Flow.Subscription newSubscription) {
        subscription = newSubscription;
        if (demand > 0) {
            newSubscription.request(demand);
        }
    }

    @Override
    public void onNext(GenerationEvent event) {
        switch (event) {
            case GenerationEvent.PromptScored(var scored) -> promptLogprobs.addAll(scored);
            case GenerationEvent.Delta(var piece, var ids, var scores) -> {
                text.append(piece);
                for (int id : ids) {
                    tokens.add(id);
                }
                logprobs.addAll(scores);
            }
            case GenerationEvent.Finished finished -> end = finished;
            case GenerationEvent.Failed failed -> end = failed;
        }
        seen.incrementAndGet();
    }

    @Override
    public void onError(Throwable failure) {
        end = new GenerationEvent.Failed("stream error: " + failure);
        done.countDown();
    }

    @Override
    public void onComplete() {
        done.countDown();
    }

    public void cancel() {
        subscription.cancel();
    }

    public void request(long count) {
        subscription.request(count);
    }

    /// Events so far.
    public int seen() {
        return seen.get();
    }

    /// Waits for the end.
    public Answer await() {
        try {
            if (!done.await(60, TimeUnit.SECONDS)) {
                throw new AssertionError("a request that is accepted is answered: events=" + seen.get());
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
        return this;
    }

    public List<Integer> tokens() {
        return tokens;
    }

    public List<TokenLogprob> logprobs() {
        return logprobs;
    }

    public List<TokenLogprob> promptLogprobs() {
        return promptLogprobs;
    }

    public String text() {
        return text.toString();
    }

    public GenerationEvent end() {
        return end;
    }
}
