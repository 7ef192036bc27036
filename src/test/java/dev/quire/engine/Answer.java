package dev.quire.engine;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Flow;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/// A reader of one stream, who collects everything and can stop reading. What has no number of a choice is
/// of the first.
public final class Answer implements Flow.Subscriber<GenerationEvent> {
    private final CountDownLatch done = new CountDownLatch(1);
    private final AtomicInteger seen = new AtomicInteger();
    private final List<Choice> choices = new ArrayList<>();
    private final long demand;
    private volatile GenerationEvent end; // the last that came

    private static final class Choice {
        private final List<Integer> tokens = new ArrayList<>();
        private final List<TokenLogprob> logprobs = new ArrayList<>();
        private final List<TokenLogprob> promptLogprobs = new ArrayList<>();
        private final StringBuilder text = new StringBuilder();
        private GenerationEvent.Finished end;
    }

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
            case GenerationEvent.PromptScored(var choice, var scored) ->
                open(choice).promptLogprobs.addAll(scored);
            case GenerationEvent.Delta(var choice, var piece, var ids, var scores) -> {
                open(choice).text.append(piece);
                for (int id : ids) {
                    open(choice).tokens.add(id);
                }
                open(choice).logprobs.addAll(scores);
            }
            case GenerationEvent.Finished finished -> {
                open(finished.choice()).end = finished;
                end = finished;
            }
            case GenerationEvent.Failed failed -> end = failed;
        }
        seen.incrementAndGet();
    }

    private Choice open(int choice) {
        Choice open = choice(choice);
        if (open.end != null) {
            throw new AssertionError("nothing comes after a choice's end: choice=" + choice);
        }
        return open;
    }

    private Choice choice(int choice) {
        while (choices.size() <= choice) {
            choices.add(new Choice());
        }
        return choices.get(choice);
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
        return tokens(0);
    }

    public List<Integer> tokens(int choice) {
        return choice(choice).tokens;
    }

    public List<TokenLogprob> logprobs() {
        return logprobs(0);
    }

    public List<TokenLogprob> logprobs(int choice) {
        return choice(choice).logprobs;
    }

    public List<TokenLogprob> promptLogprobs() {
        return promptLogprobs(0);
    }

    public List<TokenLogprob> promptLogprobs(int choice) {
        return choice(choice).promptLogprobs;
    }

    public String text() {
        return text(0);
    }

    public String text(int choice) {
        return choice(choice).text.toString();
    }

    /// How a choice ended, or null while it has not.
    public GenerationEvent.Finished end(int choice) {
        return choice(choice).end;
    }

    /// The last end, be it of a choice or of all.
    public GenerationEvent end() {
        return end;
    }
}
