package dev.quire.api;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.engine.InferenceEngine;
import dev.quire.engine.TestSettings;
import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.quarkus.runtime.configuration.MemorySize;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// Beams and end tokens together: a search looks at one token more of each beam for each of them.
class BeamCandidatesTest {
    private static final Path MODEL = Path.of("src/test/resources/folders/tiny-llama-f16");

    private final Json json = new Json(new MemorySize(BigInteger.valueOf(1000)));

    @Test
    void search_ofMoreCandidatesThanThereAre_isRefused(@TempDir Path folder) throws IOException {
        try (var files = Files.list(MODEL)) {
            for (Path file : files.toList()) {
                Files.copy(file, folder.resolve(file.getFileName()));
            }
        }
        Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [1, 2, 3, 4]}");
        try (var engine =
                InferenceEngine.start(TestSettings.of("quire.model", folder.toString(), "quire.packing", "memory"))) {
            assertTrue(engine.awaitReady(60_000), () -> engine.stats().stateReason());
            var e = assertThrows(ApiException.class, () -> answer(engine, "\"beam_width\":16"));
            assertEquals(
                    "beam_width and the model's end tokens must be at most 20 together: beam_width=16, end_tokens=5",
                    e.getMessage());
            assertEquals("beam_width", e.response().error().param());
            assertTrue(answer(engine, "\"beam_width\":15").contains("\"score\""));
            assertTrue(answer(engine, "\"beam_width\":16,\"ignore_eos\":true").contains("\"score\""));
        }
    }

    private String answer(InferenceEngine engine, String fields) {
        String body = "{\"prompt\":\"the\",\"max_tokens\":2,\"use_beam_search\":true," + fields + "}";
        var generations =
                new Generations(engine, new ServedModel(engine), json, new RequestMetrics(new SimpleMeterRegistry()));
        List<byte[]> parts = generations
                .answer(new ByteArrayInputStream(body.getBytes(StandardCharsets.UTF_8)), each -> prepared(engine, each))
                .collect()
                .asList()
                .await()
                .atMost(Duration.ofSeconds(20));
        var text = new StringBuilder();
        parts.forEach(part -> text.append(new String(part, StandardCharsets.UTF_8)));
        return text.toString();
    }

    private static Generations.Prepared prepared(InferenceEngine engine, RequestFields fields) {
        var request = CompletionRequest.parse(fields);
        var served = new ServedModel(engine).get(Optional.empty());
        int[] prompt = request.prompt().encode(served.tokenizer(), true);
        var head = AnswerHead.next("cmpl-", served.name());
        return new Generations.Prepared(
                request.generation(prompt),
                "n",
                false,
                new CompletionAnswer(head, request, prompt, served.tokenizer()));
    }
}
