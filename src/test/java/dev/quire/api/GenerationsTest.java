package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import dev.quire.engine.TestSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import java.io.ByteArrayInputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class GenerationsTest {
    private final Json json = new Json(new MemorySize(BigInteger.valueOf(1000)));

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void answer_whileTheModelLoads_waitsForIt(boolean stream) {
        try (var engine = InferenceEngine.start(TestSettings.of())) {
            var model = new ServedModel(engine);
            var generations = new Generations(engine, model, json, new RequestMetrics(new SimpleMeterRegistry()));
            // The engine has just been started: reading its model takes longer than getting here.
            String answer = text(generations
                    .answer(body(stream), fields -> prepared(model, fields))
                    .collect()
                    .asList()
                    .await()
                    .atMost(Duration.ofSeconds(20)));
            assertTrue(answer.contains("\"finish_reason\":\"length\""), answer);
        }
    }

    private static Generations.Prepared prepared(ServedModel model, RequestFields fields) {
        var request = CompletionRequest.parse(fields);
        var served = model.get(Optional.empty());
        int[] prompt = request.prompt().encode(served.tokenizer(), true);
        var head = AnswerHead.next("cmpl-", served.name());
        return new Generations.Prepared(
                request.generation(prompt),
                "n",
                request.parameters().stream(),
                new CompletionAnswer(head, request, prompt, served.tokenizer()));
    }

    private static ByteArrayInputStream body(boolean stream) {
        String body = "{\"prompt\":\"the\",\"max_tokens\":2,\"ignore_eos\":true,\"stream\":" + stream + "}";
        return new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8));
    }

    private static String text(List<byte[]> parts) {
        var text = new StringBuilder();
        parts.forEach(part -> text.append(new String(part, StandardCharsets.UTF_8)));
        return text.toString();
    }
}
