package dev.quire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// `./quire`: what it hands to the JVM, and what it does first.
class LauncherTest {
    @TempDir
    Path folder;

    private ShellSandbox sandbox;
    private Path launcher;

    @BeforeEach
    void open() throws IOException {
        sandbox = new ShellSandbox(folder);
        launcher = sandbox.tree.resolve("quire");
    }

    @Test
    void launch_notBuilt_buildsWithOneLine() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        var first = sandbox.run(folder, "", launcher.toString(), "help");
        assertEquals("quire: building, which takes a few minutes the first time\n", first.err());
        var second = sandbox.run(folder, "", launcher.toString(), "help");
        assertEquals("", second.err());
        assertEquals(1, sandbox.mavenRuns());
    }

    @Test
    void launch_argumentsStdinAndStatus_passThrough() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        sandbox.environment.put("JAVA_STATUS", "3");
        var outcome = sandbox.run(folder, "one\ntwo\n", launcher.toString(), "tokenize", "a b", "", "*");
        List<String> lines = outcome.out().lines().toList();
        int command = lines.indexOf("argument: tokenize");
        assertEquals(
                List.of("argument: tokenize", "argument: a b", "argument: ", "argument: *"),
                lines.subList(command, command + 4));
        assertTrue(outcome.out().endsWith("stdin: one\nstdin: two\n"), outcome.out());
        assertEquals(3, outcome.status());
    }

    @Test
    void launch_throughALinkFromElsewhere_keepsTheFolder() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        Path link = Files.createSymbolicLink(folder.resolve("q"), launcher);
        Path elsewhere = Files.createDirectories(folder.resolve("else where"));
        var outcome = sandbox.run(elsewhere, "", link.toString(), "help");
        assertEquals(0, outcome.status(), outcome.err());
        assertTrue(outcome.out().contains("folder: " + elsewhere + "\n"), outcome.out());
        assertTrue(outcome.out().contains("argument: " + sandbox.tree + "/target/quarkus-app/quarkus-run.jar\n"));
    }

    /// The JVM takes the launcher's place, so that a signal for one is a signal for the other.
    @Test
    void launch_replacesItselfByTheJvm() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        var outcome = sandbox.run(folder, "", launcher.toString(), "help");
        assertTrue(outcome.out().contains("pid: " + outcome.pid() + "\n"), outcome.out());
    }

    @Test
    void launch_javaOptions_comeBeforeTheJar() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        sandbox.environment.put("QUIRE_JAVA_OPTS", "-Xlog:gc -Da=b");
        List<String> lines = sandbox.run(folder, "", launcher.toString(), "help")
                .out()
                .lines()
                .toList();
        assertTrue(lines.contains("argument: -Xlog:gc"));
        assertTrue(lines.indexOf("argument: -Da=b") < lines.indexOf("argument: -jar"));
        assertTrue(lines.contains("argument: --enable-native-access=ALL-UNNAMED"));
    }

    @Test
    void launch_jdkIsMissing_saysWhatToInstall() throws Exception {
        var outcome = sandbox.run(folder, "", launcher.toString(), "help");
        assertEquals(1, outcome.status());
        List<String> lines = outcome.err().lines().toList();
        assertTrue(lines.getLast().contains("please install JDK 25 or newer"), outcome.err());
        assertEquals(2, lines.size(), outcome.err());
    }

    @Test
    void launch_buildFails_showsWhy() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        ShellSandbox.script(sandbox.bin.resolve("mvn"), "echo '[ERROR] A.java: no' >&2\nexit 1\n");
        var outcome = sandbox.run(folder, "", launcher.toString(), "help");
        assertEquals(1, outcome.status());
        assertEquals("", outcome.out());
        assertTrue(outcome.err().contains("[ERROR] A.java: no"), outcome.err());
    }

    @Test
    void launch_copyWithoutSources_runsWhatItHas() throws Exception {
        sandbox.jdk("jdk-25", "25.0.3");
        sandbox.run(folder, "", launcher.toString(), "help");
        Files.delete(sandbox.tree.resolve("pom.xml"));
        sandbox.remove("make");
        sandbox.remove("mvn");
        var outcome = sandbox.run(folder, "", launcher.toString(), "help");
        assertEquals(0, outcome.status(), outcome.err());
        assertFalse(outcome.out().isEmpty());
    }
}
