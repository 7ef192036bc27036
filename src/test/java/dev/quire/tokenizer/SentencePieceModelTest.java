package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SentencePieceModelTest {
    private static final Path FILE = Path.of("tokenizer.model");
    private static final byte[] BPE = field(3, 2);

    @Test
    void read_model_namesScoresAndTypes() {
        SentencePieceModel model =
                read(message(1, piece("<unk>", 0, 2)), message(1, piece("▁a", -1.5f, 1)), training(BPE));
        assertEquals(List.of("<unk>", "▁a"), model.names());
        assertEquals(List.of(0.0, -1.5), model.scores());
        assertEquals(List.of(2L, 1L), model.types());
    }

    @Test
    void read_leftOut_hasTheDefaultsOfTheFormat() {
        SentencePieceModel model = read(training(BPE));
        assertTrue(model.addsPrefix());
        assertTrue(model.collapsesBlanks());
        assertEquals(List.of(0, 1, 2), List.of(model.unknown(), model.bos(), model.eos()));
    }

    @Test
    void read_settings_areTaken() {
        SentencePieceModel model = read(
                training(join(BPE, field(40, 3), field(41, -1), field(42, 1))),
                message(3, join(field(3, 0), field(4, 0))));
        assertEquals(List.of(3, -1, 1), List.of(model.unknown(), model.bos(), model.eos()));
        assertEquals(List.of(false, false), List.of(model.addsPrefix(), model.collapsesBlanks()));
    }

    @Test
    void read_unigram_isRefused() {
        assertRefused(
                "SentencePiece model must be BPE: model_type=unigram, file=tokenizer.model", training(field(3, 1)));
    }

    @Test
    void read_normalizationTable_isRefused() {
        assertRefused(
                "text must need no normalization: normalizer='nmt_nfkc', file=tokenizer.model",
                message(3, join(bytes(1, "nmt_nfkc"), bytes(2, "table"))));
    }

    @Test
    void read_anotherFile_isRefused() {
        assertRefused(
                "file must be a SentencePiece model: wireType=7, offset=1, file=tokenizer.model",
                new byte[] {15, 1, 2});
    }

    @Test
    void read_lengthPastTheEnd_isRefused() {
        assertRefused(
                "field must end inside the file: bytes=100, offset=2, file=tokenizer.model", new byte[] {10, 100, 2});
    }

    /// Cut off anywhere, or with other bytes: read or refused in one line.
    @ParameterizedTest
    @ValueSource(longs = {1, 2})
    void randomBytes_areReadOrRefused(long seed) {
        var random = new Random(seed);
        byte[] good = join(message(1, piece("<unk>", 0, 2)), message(1, piece("▁a", -1, 1)), training(BPE));
        for (int round = 0; round < 5_000; round++) {
            byte[] bad = Arrays.copyOf(good, 1 + random.nextInt(good.length));
            bad[random.nextInt(bad.length)] = (byte) random.nextInt(256);
            try {
                SentencePieceModel.read(FILE, bad);
            } catch (ModelFileException e) {
                assertEquals(1, e.getMessage().lines().count());
            }
        }
    }

    private static SentencePieceModel read(byte[]... parts) {
        return SentencePieceModel.read(FILE, join(parts));
    }

    private static void assertRefused(String message, byte[] file) {
        assertEquals(
                message,
                assertThrows(ModelFileException.class, () -> SentencePieceModel.read(FILE, file))
                        .getMessage());
    }

    private static byte[] piece(String name, float score, int type) {
        var real = ByteBuffer.allocate(5).order(ByteOrder.LITTLE_ENDIAN);
        real.put((byte) (2 << 3 | 5)).putFloat(score);
        return join(bytes(1, name), real.array(), field(3, type));
    }

    private static byte[] training(byte[] content) {
        return message(2, content);
    }

    private static byte[] bytes(int field, String text) {
        return message(field, text.getBytes(StandardCharsets.UTF_8));
    }

    private static byte[] message(int field, byte[] content) {
        return join(varint(field << 3 | 2), varint(content.length), content);
    }

    private static byte[] field(int field, long value) {
        return join(varint(field << 3), varint(value));
    }

    private static byte[] varint(long value) {
        var bytes = new ByteArrayOutputStream();
        for (long rest = value; ; rest >>>= 7) {
            if (rest >>> 7 == 0) {
                bytes.write((int) rest);
                return bytes.toByteArray();
            }
            bytes.write((int) rest & 0x7F | 0x80);
        }
    }

    private static byte[] join(byte[]... parts) {
        var bytes = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            bytes.writeBytes(part);
        }
        return bytes.toByteArray();
    }
}
