package dev.quire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// `Makefile`, `build/` and `.ci/run` on machines where something is missing, and when there is nothing to do.
class BuildToolsTest {
    private static final String JAR = "target/quarkus-app/quarkus-run.jar";

    @TempDir
    Path folder;

    private ShellSandbox sandbox;

    @BeforeEach
    void open() throws IOException {
        sandbox = new ShellSandbox(folder);
    }

    @Test
    void findJdk_javaHomeIsTooOld_looksInTheFolders() throws Exception {
        Path old = sandbox.jdk("jdk-17", "17.0.15");
        Path good = sandbox.jdk("temurin-25", "25.0.3");
        sandbox.environment.put("JAVA_HOME", old.toString());
        assertEquals(good + "\n", run("build/find-jdk").out());
    }

    @Test
    void findJdk_javaHomeIsNewEnough_isTaken() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        Path home = sandbox.jdk("jdk-26", "26");
        sandbox.environment.put("JAVA_HOME", home.toString());
        assertEquals(home + "\n", run("build/find-jdk").out());
    }

    @Test
    void findJdk_severalFit_takesTheOldest() throws Exception {
        sandbox.jdk("a-26", "26.0.1");
        Path oldest = sandbox.jdk("b-25", "25");
        sandbox.jdk("c-27", "27-ea");
        assertEquals(oldest + "\n", run("build/find-jdk").out());
    }

    @Test
    void findJdk_javaOnThePath_isFoundThroughItsLink() throws Exception {
        Path home = sandbox.jdk("elsewhere", "25.0.1");
        Files.createSymbolicLink(sandbox.bin.resolve("java"), home.resolve("bin/java"));
        sandbox.environment.put("QUIRE_JDK_FOLDERS", "");
        assertEquals(home + "\n", run("build/find-jdk").out());
    }

    @Test
    void findJdk_runtimeWithoutCompiler_isNotTaken() throws Exception {
        Files.delete(sandbox.jdk("jre-25", "25.0.3").resolve("bin/javac"));
        var outcome = run("build/find-jdk");
        assertEquals(1, outcome.status());
        assertEquals("", outcome.out() + outcome.err());
    }

    @ParameterizedTest
    @CsvSource({"run, mvn, Maven", "test, mvn, Maven", "build, g++, a C++ compiler", "test, g++, a C++ compiler"})
    void make_toolIsMissing_saysWhatToInstall(String target, String tool, String words) throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        sandbox.remove(tool);
        assertOneSentence(run("make", target), "Quire cannot be built here: please install " + words);
    }

    @ParameterizedTest
    @CsvSource({"run", "test", "build", "native", "format", "bench"})
    void make_onlyOldJdk_saysWhatToInstall(String target) throws Exception {
        sandbox.environment.put("JAVA_HOME", sandbox.jdk("jdk-17", "17.0.15").toString());
        assertOneSentence(run("make", target), "Quire cannot be built here: please install JDK 25 or newer");
    }

    @Test
    void make_nothingIsInstalled_saysAllOfItInOneSentence() throws Exception {
        sandbox.remove("mvn");
        sandbox.remove("g++");
        var outcome = run("make", "test");
        assertOneSentence(outcome, "please install JDK 25 or newer");
        assertTrue(outcome.err().contains(", Maven (package maven) and a C++ compiler (package g++)"), outcome.err());
    }

    @Test
    void make_helpAndClean_needNothing() throws Exception {
        sandbox.remove("mvn");
        assertTrue(run("make", "help").out().contains("make run"));
        Files.createDirectories(sandbox.tree.resolve("target"));
        assertEquals(0, run("make", "clean").status());
        assertTrue(Files.notExists(sandbox.tree.resolve("target")));
    }

    @Test
    void make_buildTwice_buildsOnce() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        assertEquals(0, run("make", "build").status());
        assertEquals(0, run("make", "build").status());
        assertEquals(1, sandbox.mavenRuns());
    }

    @ParameterizedTest
    @CsvSource({"src/main/A.java", "pom.xml", "native-libs/Makefile"})
    void make_buildAfterAChange_buildsAgain(String changed) throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        run("make", "build");
        Files.setLastModifiedTime(
                sandbox.tree.resolve(changed), FileTime.from(Instant.now().plusSeconds(5)));
        run("make", "build");
        assertEquals(2, sandbox.mavenRuns());
    }

    @Test
    void make_buildAfterADeletion_buildsAgain() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        run("make", "build");
        Files.setLastModifiedTime(
                sandbox.tree.resolve(JAR), FileTime.from(Instant.now().minusSeconds(5)));
        Files.delete(sandbox.tree.resolve("src/main/A.java"));
        run("make", "build");
        assertEquals(2, sandbox.mavenRuns());
    }

    @Test
    void make_buildAfterTest_findsItDone() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        var outcome = run("make", "test");
        String tests = "native tests pass\n[INFO] BUILD SUCCESS\n";
        String benchmarks = "[INFO] BUILD SUCCESS\n";
        assertEquals(tests + benchmarks, outcome.out(), outcome.err());
        run("make", "build");
        assertEquals(2, sandbox.mavenRuns());
    }

    @Test
    void ci_testsPass_saysHowLongItTook() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        var outcome = run(".ci/run");
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().matches("(?s).*ci: make test passed after \\d+ s of 1800 s\n"), outcome.out());
    }

    @Test
    void ci_testsFail_passesTheStatusOn() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        ShellSandbox.script(sandbox.bin.resolve("mvn"), "exit 1\n");
        var outcome = run(".ci/run");
        assertEquals(2, outcome.status());
        assertTrue(outcome.out().contains("ci: make test failed with status 2"), outcome.out());
    }

    @Test
    void ci_budgetIsUsedUp_stops() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        ShellSandbox.script(sandbox.bin.resolve("mvn"), "read -r -t 30 <> <(:) || true\n");
        sandbox.environment.put("CI_SECONDS", "1");
        var outcome = run(".ci/run");
        assertEquals(124, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("ci: make test ran out of time"), outcome.out());
    }

    private ShellSandbox.Outcome run(String... command) throws IOException, InterruptedException {
        if (command[0].contains("/")) {
            command[0] = sandbox.tree.resolve(command[0]).toString();
        }
        return sandbox.run(sandbox.tree, "", command);
    }

    private static void assertOneSentence(ShellSandbox.Outcome outcome, String words) {
        assertNotEquals(0, outcome.status());
        assertEquals("", outcome.out());
        assertTrue(outcome.err().contains(words), outcome.err());
        assertEquals(1, outcome.err().lines().count(), outcome.err());
    }
}
