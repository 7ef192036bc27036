package dev.quire.api;

import dev.quire.engine.GenerationEvent;
import java.util.List;

/// One answer in the making, in the words of one endpoint: either chunk by chunk, or collected and then whole. Not
/// thread-safe: a request's events come one after another.
sealed interface Answer permits CompletionAnswer, ChatAnswer {
    /// The id that the client knows it by.
    String id();

    /// Choices that are drawn, each with events of its own.
    int choices();

    /// The chunks that go out before the first event.
    List<Object> opening();

    /// The chunks that say `event`; never called with a failure.
    List<Object> chunks(GenerationEvent event);

    /// Whether {@link #textChunk} says all there is to say of `delta`.
    boolean onlyText(GenerationEvent.Delta delta);

    /// The chunk that says nothing but a text. Chunks of one choice differ in that text alone.
    Object textChunk(int choice, String text);

    /// Keeps `event` for {@link #whole}; never called with a failure.
    void collect(GenerationEvent event);

    /// Whether every choice has come to its end.
    boolean over();

    /// Everything collected, once it is over.
    Object whole();
}
