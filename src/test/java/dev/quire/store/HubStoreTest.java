package dev.quire.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.quire.format.ModelFileException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Downloads over HTTP from a hub on this machine that breaks, stalls, refuses and lies.
class HubStoreTest {
    private static final int RANGE = 10_000;

    @TempDir
    Path home;

    private StandInHub hub;
    private final ByteArrayOutputStream progress = new ByteArrayOutputStream();

    @BeforeEach
    void startHub() throws IOException {
        hub = new StandInHub();
        hub.files.put("tiny-Q4_K_M.gguf", random(1, 95_001));
        hub.files.put("tiny-Q8_0.gguf", random(2, 40_000));
        hub.files.put("README.md", random(3, 50));
    }

    @AfterEach
    void stopHub() {
        hub.close();
    }

    private static byte[] random(long seed, int length) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }

    private ModelStore store() {
        return store(false, Optional.empty(), Duration.ofSeconds(30));
    }

    private ModelStore store(boolean offline, Optional<String> token, Duration stall) {
        var settings = new HubSettings(URI.create(hub.endpoint()), token, 3, RANGE, stall, Duration.ofMillis(1));
        var out = new PrintStream(progress, true, StandardCharsets.UTF_8);
        return new ModelStore(home, offline, settings, home.toString(), ModelWheel.SMOLLM2, out);
    }

    private String refusal(String name) {
        return refusal(store(), name);
    }

    private static String refusal(ModelStore store, String name) {
        String message = assertThrows(ModelFileException.class, () -> store.resolve(name))
                .getMessage();
        assertEquals(1, message.lines().count(), message);
        return message;
    }

    private long fileCalls() {
        return hub.calls.stream().filter(StandInHub.Call::storage).count();
    }

    private List<Path> everything() throws IOException {
        try (Stream<Path> files = Files.walk(home.resolve("hub"))) {
            return files.filter(Files::isRegularFile)
                    .map(home.resolve("hub")::relativize)
                    .sorted()
                    .toList();
        }
    }

    private void assertHolds(Path file, String name) throws IOException {
        assertArrayEquals(hub.files.get(name), Files.readAllBytes(file));
        assertEquals(name, file.getFileName().toString());
    }

    @Test
    void resolve_nameOnTheHub_fetchesItOnceInRanges() throws IOException {
        Path model = store().resolve("acme/tiny:tiny-Q4_K_M.gguf");
        assertHolds(model, "tiny-Q4_K_M.gguf");
        assertEquals(10, fileCalls(), "95,001 bytes in ranges of 10,000");
        assertTrue(hub.calls.stream().filter(StandInHub.Call::storage).allMatch(call -> call.range()
                .startsWith("bytes=")));
        assertEquals(
                List.of(
                        Path.of(".lock"),
                        Path.of("acme/tiny/" + StandInHub.COMMIT + "/tiny-Q4_K_M.gguf"),
                        Path.of("acme/tiny/refs/main:tiny-Q4_K_M.gguf")),
                everything(),
                "nothing half done is left");
        int calls = hub.calls.size();
        assertEquals(model, store().resolve("acme/tiny:tiny-Q4_K_M.gguf"));
        assertEquals(model, store(true, Optional.empty(), Duration.ofSeconds(1)).resolve("acme/tiny:tiny-Q4_K_M.gguf"));
        assertEquals(calls, hub.calls.size(), "what is there is not asked for");
    }

    @ParameterizedTest
    @CsvSource({
        "acme/tiny, tiny-Q4_K_M.gguf",
        "acme/tiny:q8_0, tiny-Q8_0.gguf",
        "acme/tiny:Q8_0, tiny-Q8_0.gguf",
        "acme/tiny@main:README.md, README.md",
        "acme/tiny@v1.0/x:Q8_0, tiny-Q8_0.gguf",
    })
    void resolve_otherNames_findTheirFile(String name, String file) throws IOException {
        assertHolds(store().resolve(name), file);
        assertHolds(store().resolve(name), file);
    }

    @Test
    void resolve_folder_hasTheFilesOfAModelOnly() throws IOException {
        hub.files.clear();
        for (String name : List.of(
                "config.json",
                "tokenizer.json",
                "tokenizer_config.json",
                "model-00001-of-00002.safetensors",
                "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
                "README.md",
                "pytorch_model.bin",
                "onnx/model.onnx")) {
            hub.files.put(name, random(name.hashCode(), 15_000));
        }
        Path model = store().resolve("acme/tiny");
        try (Stream<Path> files = Files.list(model)) {
            assertEquals(
                    List.of(
                            "config.json",
                            "model-00001-of-00002.safetensors",
                            "model-00002-of-00002.safetensors",
                            "model.safetensors.index.json",
                            "tokenizer.json",
                            "tokenizer_config.json"),
                    files.map(file -> file.getFileName().toString()).sorted().toList());
        }
        assertHolds(model.resolve("model-00002-of-00002.safetensors"), "model-00002-of-00002.safetensors");
        assertEquals(model, store().resolve("acme/tiny"));
        // Without the file that comes last the folder is not whole, and is completed.
        Files.delete(model.resolve("config.json"));
        assertEquals(model, store().resolve("acme/tiny"));
        assertHolds(model.resolve("config.json"), "config.json");
    }

    @Test
    void resolve_brokenConnections_goOnWhereTheyBroke() throws IOException {
        hub.broken.set(12);
        assertHolds(store().resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
        assertEquals(10 + 12, fileCalls());
        assertTrue(
                hub.calls.stream().anyMatch(call -> call.range().matches("bytes=\\d+1000-\\d+")),
                "a range goes on behind its first 1,000 bytes");
    }

    @Test
    void resolve_connectionThatStalls_isGivenUpAndGoesOn() throws IOException {
        hub.broken.set(2);
        hub.stalls = true;
        assertHolds(store(false, Optional.empty(), Duration.ofMillis(200)).resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
    }

    @Test
    void resolve_listingThatStalls_isGivenUpAndAskedForAgain() throws IOException {
        hub.stalledListings.set(2);
        assertHolds(store(false, Optional.empty(), Duration.ofMillis(200)).resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
    }

    @ParameterizedTest
    @ValueSource(ints = {429, 500, 503})
    void resolve_refusalsThatPass_areTriedAgain(int status) throws IOException {
        hub.refused.set(4);
        hub.refusedStatus = status;
        assertHolds(store().resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
    }

    @Test
    void resolve_hubThatStaysDown_isOneLineAndKeepsWhatCame() throws IOException {
        hub.broken.set(1); // something comes
        hub.refusedStatus = 503;
        assertHolds(store().resolve("acme/tiny:Q8_0"), "tiny-Q8_0.gguf");
        hub.refused.set(Integer.MAX_VALUE);
        String message = refusal("acme/tiny");
        assertTrue(
                message.startsWith("the hub must be reachable: model=acme/tiny, endpoint=" + hub.endpoint()), message);
        assertTrue(message.contains("reason=status 503"), message);
    }

    /// A process that is killed leaves its ranges; the next one fetches the others only.
    @Test
    void resolve_afterAFailure_fetchesTheRestOnly() throws IOException {
        String part = ".tiny-Q4_K_M.gguf.part";
        Path folder = Files.createDirectories(home.resolve("hub/acme/tiny/" + StandInHub.COMMIT));
        byte[] bytes = hub.files.get("tiny-Q4_K_M.gguf");
        String identity = sha256(bytes);
        try (var partial = new PartialFile(folder.resolve("tiny-Q4_K_M.gguf"), identity, bytes.length, RANGE)) {
            for (int range : new int[] {0, 4, 9}) {
                int start = (int) partial.start(range);
                partial.write(
                        java.nio.ByteBuffer.wrap(bytes, start, (int) partial.end(range) - start), partial.start(range));
                partial.mark(range);
            }
        }
        assertTrue(Files.exists(folder.resolve(part)));
        assertHolds(store().resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
        assertEquals(7, fileCalls());
        assertFalse(Files.exists(folder.resolve(part)));
    }

    private static String sha256(byte[] bytes) {
        try {
            return java.util.HexFormat.of()
                    .formatHex(
                            java.security.MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void resolve_serverWithoutRanges_isReadFromTheBeginning() throws IOException {
        hub.ranges = false;
        hub.broken.set(2);
        assertHolds(store().resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void resolve_wrongChecksum_isRefusedAndDropped(boolean large) throws IOException {
        hub.large = large;
        store().resolve("acme/tiny:Q8_0");
        Path folder = home.resolve("hub/acme/tiny/" + StandInHub.COMMIT);
        byte[] right = hub.files.get("tiny-Q4_K_M.gguf");
        byte[] wrong = right.clone();
        wrong[50_000] ^= 1;
        String honest = listingOf("tiny-Q4_K_M.gguf", right.length, sha256(right));
        hub.listing = honest;
        hub.files.put("tiny-Q4_K_M.gguf", wrong);
        String message = refusal("acme/tiny");
        assertTrue(
                message.startsWith(
                        "downloaded file must have the hub's checksum: model=acme/tiny, file=tiny-Q4_K_M.gguf, expected="
                                + sha256(right)),
                message);
        try (Stream<Path> files = Files.list(folder)) {
            assertEquals(
                    List.of("tiny-Q8_0.gguf"),
                    files.map(file -> file.getFileName().toString()).toList());
        }
        hub.files.put("tiny-Q4_K_M.gguf", right);
        assertHolds(store().resolve("acme/tiny"), "tiny-Q4_K_M.gguf");
    }

    private static String listingOf(String name, long bytes, String sha256) {
        return "{\"sha\":\"" + StandInHub.COMMIT + "\",\"siblings\":[{\"rfilename\":\"" + name + "\",\"size\":" + bytes
                + ",\"lfs\":{\"sha256\":\"" + sha256 + "\"}}]}";
    }

    @Test
    void resolve_otherLengthThanListed_isRefused() {
        hub.listing = listingOf("a.gguf", 12_345, "0".repeat(64));
        hub.files.put("a.gguf", random(1, 20_000));
        String message = refusal("acme/tiny");
        assertTrue(message.startsWith("the hub must send the range that it was asked for"), message);
    }

    @Test
    void resolve_listedAsEmptyButNotByItsChecksum_isRefused() {
        hub.listing = listingOf("a.gguf", 0, "0".repeat(64));
        String message = refusal("acme/tiny");
        assertTrue(message.startsWith("downloaded file must have the hub's checksum"), message);
    }

    @Test
    void settings_tokenOfALine_isTheToken() {
        assertEquals(
                Optional.of("hf_secret"),
                HubSettings.of("http://localhost", Optional.of("hf_secret\r\n")).token());
    }

    @ParameterizedTest
    @ValueSource(strings = {"hf\nsecret", "hf secret", "hf\u0000", "hé", "\n"})
    void settings_tokenThatNoHeaderCanHold_isOneLineWithoutIt(String token) {
        var problem =
                assertThrows(ModelFileException.class, () -> HubSettings.of("http://localhost", Optional.of(token)));
        assertEquals(
                "quire.hub.token (or HF_TOKEN) must have visible ASCII characters only: length=" + token.length(),
                problem.getMessage());
    }

    @Test
    void resolve_token_goesToTheHubOnly() throws IOException {
        hub.token = "hf_secret";
        store(false, Optional.of("hf_secret"), Duration.ofSeconds(5)).resolve("acme/tiny:Q8_0");
        for (StandInHub.Call call : hub.calls) {
            assertEquals(call.storage() ? "" : "Bearer hf_secret", call.authorization(), call.path());
        }
        String none = refusal("acme/tiny");
        assertTrue(
                none.startsWith("the hub must give access: model=acme/tiny, endpoint=" + hub.endpoint()
                        + ", status=401, token=none, remedy="),
                none);
        String wrong = refusal(store(false, Optional.of("hf_other"), Duration.ofSeconds(5)), "acme/tiny");
        assertTrue(wrong.contains("token=set") && !wrong.contains("hf_other"), wrong);
    }

    @Test
    void resolve_offline_takesWhatIsThereAndRefusesTheRest() {
        ModelStore offline = store(true, Optional.empty(), Duration.ofSeconds(1));
        assertTrue(refusal(offline, "acme/tiny")
                .startsWith(
                        "model must be in the cache when offline: model=acme/tiny, lookedFor=" + home.resolve("hub")));
        Path model = store().resolve("acme/tiny");
        assertEquals(model, offline.resolve("acme/tiny"));
        assertThrows(ModelFileException.class, () -> offline.pull("acme/tiny"));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "acme/other | model, revision and file must be on the hub: model=acme/other",
                "acme/tiny@absent | model, revision and file must be on the hub: model=acme/tiny@absent",
                "acme/tiny:Q2_K | file must be one of the repository's: model=acme/tiny:Q2_K, files=[tiny-Q4_K_M.gguf tiny-Q8_0.gguf]",
                "acme/tiny:../x.gguf | model file must exist",
            })
    void resolve_whatIsNotThere_isRefusedByName(String name, String message) {
        String found = refusal(name);
        assertTrue(found.startsWith(message), found);
    }

    @Test
    void resolve_repositoryWithoutAModel_isRefused() {
        hub.files.clear();
        hub.files.put("pytorch_model.bin", new byte[10]);
        assertTrue(refusal("acme/tiny").startsWith("repository must have a GGUF file, or config.json with"));
        hub.files.clear();
        hub.files.put("a-Q3_K_S.gguf", new byte[10]);
        hub.files.put("a-IQ2_XS.gguf", new byte[10]);
        assertTrue(
                refusal("acme/tiny").startsWith("one of several files must be named, as in acme/tiny:FILE: files=["));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "not json",
                "{\"sha\":\"x\",\"siblings\":[]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\"}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"../../x.gguf\",\"size\":1}]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"/etc/x.gguf\",\"size\":1}]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"x.gguf\"}]}",
                "{\"sha\":\"0123456789abcdef0123456789abcdef01234567\",\"siblings\":[{\"rfilename\":\"x.gguf\",\"size\":9000000000000000000}]}",
            })
    void resolve_answerThatMakesNoSense_isOneLine(String listing) throws IOException {
        hub.listing = listing;
        refusal("acme/tiny");
        assertEquals(0, fileCalls());
    }

    @Test
    void resolve_noHubAtAll_isOneLine() {
        hub.close();
        String message = refusal("acme/tiny");
        assertTrue(
                message.startsWith("the hub must be reachable: model=acme/tiny, endpoint=" + hub.endpoint()), message);
    }

    @Test
    void pull_changedRepository_takesTheNewCommit() throws IOException {
        Path former = store().pull("acme/tiny");
        String commit = "f".repeat(40);
        byte[] bytes = hub.files.get("tiny-Q4_K_M.gguf");
        hub.listing = listingOf("tiny-Q4_K_M.gguf", bytes.length, sha256(bytes)).replace(StandInHub.COMMIT, commit);
        assertEquals(former, store().resolve("acme/tiny"), "what is there is taken");
        Path now = home.resolve("hub/acme/tiny").resolve(commit).resolve("tiny-Q4_K_M.gguf");
        Files.createDirectories(now.getParent());
        Files.write(now, bytes);
        assertEquals(now, store().pull("acme/tiny"));
        assertEquals(now, store().resolve("acme/tiny"));
    }

    @Test
    void pull_interrupted_endsAndKeepsWhatCame() throws Exception {
        hub.stalls = true;
        hub.broken.set(Integer.MAX_VALUE);
        var thread = new Thread(() -> refusal("acme/tiny"));
        var problem = new java.util.concurrent.atomic.AtomicReference<Throwable>();
        thread.setUncaughtExceptionHandler((_, e) -> problem.set(e));
        thread.start();
        while (fileCalls() < 3) {
            Thread.onSpinWait();
        }
        thread.interrupt();
        thread.join(20_000);
        assertFalse(thread.isAlive());
        assertEquals(null, problem.get());
    }

    @Test
    void resolve_progress_namesTheFile() {
        store().resolve("acme/tiny:Q8_0");
        assertTrue(
                progress.toString(StandardCharsets.UTF_8).contains("tiny-Q8_0.gguf"),
                progress.toString(StandardCharsets.UTF_8));
    }
}
