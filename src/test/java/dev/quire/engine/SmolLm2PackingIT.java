package dev.quire.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.store.ModelStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The default model's packed weights over several starts: written once, mapped from then on, dropped when the model
/// changes; and what a server does whose file is cut short.
class SmolLm2PackingIT {
    @TempDir
    Path home;

    private Path model;

    @BeforeEach
    void linkModel() throws IOException {
        Path userHome =
                Path.of(System.getenv().getOrDefault("QUIRE_HOME", System.getProperty("user.home") + "/.cache/quire"));
        model = Files.copy(new ModelStore(userHome, false).resolve("smollm2-135m-instruct"), home.resolve("m.gguf"));
    }

    private QuireSettings settings(String packing) {
        return TestSettings.of(
                "quire.model", model.toString(), "quire.home", home.toString(), "quire.packing", packing);
    }

    private List<Path> packed() throws IOException {
        try (Stream<Path> files = Files.list(home.resolve("packed"))) {
            return files.toList();
        }
    }

    private static List<Integer> tokens(QuireSettings settings) {
        try (var engine = InferenceEngine.start(settings)) {
            assertTrue(engine.awaitReady(600_000), () -> engine.stats().stateReason());
            return Answer.to(engine, Requests.greedy(Requests.prompt(1, 20, 49_152), 12))
                    .await()
                    .tokens();
        }
    }

    @Test
    void starts_withAndWithoutAFile_giveTheSameTokens() throws IOException {
        List<Integer> expected = tokens(settings("memory"));
        assertEquals("written", ModelPacking.pack(settings("disk")).packing());
        assertEquals(1, packed().size());
        LoadReport second = ModelPacking.pack(settings("disk"));
        assertEquals("mapped", second.packing());
        assertEquals(packed(), second.packedFile().stream().toList());
        assertEquals(expected, tokens(settings("disk")));
    }

    @Test
    void pack_changedModel_replacesTheFile() throws IOException {
        ModelPacking.pack(settings("disk"));
        Path first = packed().getFirst();
        // One byte of the last tensor, as a fine-tune might differ, at another time.
        try (var channel = FileChannel.open(model, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {1}), channel.size() - 1);
        }
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_000_000_000_000L));
        assertEquals("written", ModelPacking.pack(settings("disk")).packing());
        assertEquals(1, packed().size());
        assertTrue(!packed().getFirst().equals(first), "the former state's file is gone");
    }

    @Test
    void step_fileCutShort_failsTheRequestAndStopsTheEngine() throws IOException {
        ModelPacking.pack(settings("disk"));
        Path file = packed().getFirst();
        try (var engine = InferenceEngine.start(settings("disk"))) {
            assertTrue(engine.awaitReady(600_000), () -> engine.stats().stateReason());
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
            try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(8192);
            }
            Answer answer = Answer.to(engine, Requests.greedy(Requests.prompt(1, 20, 49_152), 12))
                    .await();
            String reason = "the file of packed weights must not become shorter while it is mapped: file=" + file;
            assertTrue(answer.end() instanceof GenerationEvent.Failed(var message) && message.contains(reason));
            assertEquals(EngineStats.State.FAILED, engine.stats().state());
            assertTrue(
                    engine.stats().stateReason().contains(reason),
                    engine.stats().stateReason());
        }
    }

    @Test
    void start_damagedFile_namesIt() throws IOException {
        ModelPacking.pack(settings("disk"));
        Path file = packed().getFirst();
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        byte[] damage = new byte[1 << 20];
        Arrays.fill(damage, (byte) -1);
        try (var channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            for (long at = 8192; at + damage.length <= channel.size(); at += damage.length) {
                channel.write(ByteBuffer.wrap(damage), at);
            }
        }
        try (var engine = InferenceEngine.start(settings("disk"))) {
            assertFalse(engine.awaitReady(600_000));
            String reason = engine.stats().stateReason();
            assertTrue(reason.contains(", packed=" + file + ", remedy="), reason);
        }
    }
}
