package dev.quire.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.GgufFile;
import dev.quire.format.ModelFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.util.HashSet;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The name of a packed file stands for the state of the model that it was made from.
class PackedStoreTest {
    @TempDir
    Path home;

    private Path model;

    @BeforeEach
    void copyModel() throws IOException {
        model = Files.copy(Path.of("src/test/resources/models/tiny-llama-q4_1.gguf"), home.resolve("tiny.gguf"));
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_700_000_000_500L));
    }

    private Path file(int layout) {
        try (ModelFile opened = GgufFile.open(model)) {
            return new PackedStore(home).file(opened, layout);
        }
    }

    @Test
    void file_sameState_hasTheSameName() throws IOException {
        Path file = file(3);
        assertEquals(file, file(3));
        assertTrue(file.getFileName().toString().matches("tiny-[0-9a-f]{8}-[0-9a-f]{16}-l3\\.pack"), file.toString());
        assertEquals(home.resolve("packed"), file.getParent());
        // An archive keeps whole seconds.
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_700_000_000_000L));
        assertEquals(file, file(3));
    }

    @Test
    void file_anyDifference_changesTheName() throws IOException {
        Set<Path> names = new HashSet<>();
        names.add(file(1));
        names.add(file(2));
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_700_000_001_000L));
        names.add(file(1));
        try (var channel = FileChannel.open(model, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap(new byte[] {7}), channel.size() - 1);
        }
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_700_000_001_000L));
        names.add(file(1));
        model = Files.move(model, home.resolve("other.gguf"));
        names.add(file(1));
        assertEquals(5, names.size(), names.toString());
    }

    @Test
    void removeFormer_leavesTheKeptAndOtherModels() throws IOException {
        Path former = file(1);
        Files.setLastModifiedTime(model, FileTime.fromMillis(1_800_000_000_000L));
        Path kept = file(1);
        assertNotEquals(former, kept);
        Path other = kept.resolveSibling("other-00000000-0000000000000000-l1.pack");
        Files.createDirectories(home.resolve("packed"));
        for (Path file : new Path[] {former, kept, other}) {
            Files.createFile(file);
        }
        try (ModelFile opened = GgufFile.open(model)) {
            new PackedStore(home).removeFormer(opened, kept);
        }
        try (Stream<Path> files = Files.list(home.resolve("packed"))) {
            assertEquals(Set.of(kept, other), files.collect(Collectors.toSet()));
        }
    }
}
