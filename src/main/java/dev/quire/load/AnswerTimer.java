package dev.quire.load;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Optional;

/// Times one answer while it streams in.
///
/// Several events that come in one read have the same time, and so gaps of zero: that is when a client got
/// them. One event is one gap, whatever number of tokens it has, because a stream does not say that; the time
/// per output token does not depend on how tokens are packed.
///
/// Not thread-safe: the thread of its run owns it.
final class AnswerTimer implements ChunkReader.Sink {
    private static final long NEVER = Long.MIN_VALUE;

    private final Requests.Request request;
    private final ChunkReader reader;
    private final EventLines lines = new EventLines(this::event);
    private final Samples gaps = new Samples();
    private final long startNanos;
    private final long[] choiceNanos; // of a choice's last event with text
    private final boolean[] choiceFinished;
    private long nowNanos;
    private long firstNanos = NEVER;
    private long lastNanos = NEVER;
    private int events;
    private int promptTokens = -1;
    private int outputTokens = -1;
    private int cachedTokens;
    private boolean done; // [DONE] has come
    private boolean isError;
    private Optional<String> problem = Optional.empty();

    AnswerTimer(Requests.Request request, int choices, ChunkReader reader, long startNanos) {
        this.request = request;
        this.reader = reader;
        this.startNanos = startNanos;
        choiceNanos = new long[choices];
        Arrays.fill(choiceNanos, NEVER);
        choiceFinished = new boolean[choices];
    }

    /// Takes the next bytes of the body. After a problem the answer is lost and nothing more is read.
    Optional<String> arrived(byte[] bytes, long nanos) {
        nowNanos = nanos;
        if (problem.isEmpty()) {
            try {
                lines.feed(bytes);
            } catch (LoadException e) {
                problem = Optional.of(e.getMessage());
            }
        }
        return problem;
    }

    /// The body has ended.
    Outcome end(long nanos) {
        if (problem.isEmpty() && !done && !allFinished()) {
            problem = Optional.of("answer must be complete: problem=stream ended before [DONE]");
        }
        if (problem.isEmpty() && firstNanos == NEVER) {
            problem = Optional.of("answer must have a token: problem=stream ended without one");
        }
        if (problem.isPresent()) {
            return new Outcome.Failed(problem.get());
        }
        int choices = choiceNanos.length;
        boolean counted = outputTokens >= 0;
        int tokens = counted ? outputTokens : events;
        return new Outcome.Completed(new Answer(
                startNanos,
                firstNanos,
                lastNanos,
                nanos,
                events,
                gaps,
                counted,
                promptTokens >= 0 ? promptTokens : request.promptTokens(),
                tokens,
                cachedTokens,
                choices,
                counted && tokens < request.outputTokens() * choices));
    }

    private boolean allFinished() {
        for (boolean finished : choiceFinished) {
            if (!finished) {
                return false;
            }
        }
        return true;
    }

    private void event(byte[] bytes, int from, int length) {
        if (problem.isPresent() || done) {
            return;
        }
        if (length == 6 && new String(bytes, from, length, StandardCharsets.US_ASCII).equals("[DONE]")) {
            done = true;
            return;
        }
        try {
            reader.read(bytes, from, length, this);
        } catch (IOException e) {
            lost("event must be one JSON object: event=" + ServerMessage.text(bytes, from, length));
        }
        if (isError) {
            lost("answer must be complete: error=" + ServerMessage.of(bytes, from, length));
        }
    }

    private void lost(String reason) {
        if (problem.isEmpty()) {
            problem = Optional.of(reason);
        }
    }

    @Override
    public void choice(int index, boolean carriesTokens, boolean finished) {
        if (index < 0 || index >= choiceNanos.length) {
            lost("choice must be one of those that were asked for: index=" + index + ", n=" + choiceNanos.length);
            return;
        }
        if (carriesTokens || finished) {
            firstNanos = firstNanos == NEVER ? nowNanos : firstNanos;
            lastNanos = nowNanos;
        }
        if (carriesTokens) {
            events++;
            if (choiceNanos[index] != NEVER) {
                gaps.add((nowNanos - choiceNanos[index]) / 1e6);
            }
            choiceNanos[index] = nowNanos;
        }
        choiceFinished[index] |= finished;
    }

    @Override
    public void usage(int prompt, int completion, int cached) {
        promptTokens = prompt >= 0 ? prompt : promptTokens;
        outputTokens = completion >= 0 ? completion : outputTokens;
        cachedTokens = cached >= 0 ? cached : cachedTokens;
    }

    @Override
    public void error() {
        isError = true;
    }
}
