package dev.quire;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// The rules of CONTRIBUTING.md that a text search can hold. A limit that must give way is listed in `EXCEPTIONS` with
/// its reason.
class TidyTest {
    /// `path: rule` → why. An entry that is no longer needed is a failure, so that the list stays true.
    private static final Map<String, String> EXCEPTIONS = Map.of();

    private static final int METHOD_LINES = 60;
    private static final int CLASS_LINES = 500;
    private static final long FILE_BYTES = 1 << 20;

    private static final Pattern BANNED_NAME =
            Pattern.compile("(?:Impl|Managers?|Utils?|Helpers?|Base|Abstract|Default)(?![a-z])");
    // Written in two halves so that this file passes its own check.
    private static final Pattern UNFINISHED = Pattern.compile("\\b(?:TO" + "DO|FIX" + "ME)\\b");
    private static final Pattern MACHINE_PATH = Pattern.compile("(?<![\\w.$}~*-])/(?:home|root|Users|work)/\\w");
    // The formatter cuts a line of a documentation comment that is too long, and the rest becomes another comment.
    private static final Pattern BROKEN_COMMENT = Pattern.compile("(?m)^ *///.*\\n *// .*$");
    private static final Pattern EMPTY_INVARIANTS = Pattern.compile("\\bcheckInvariants\\s*\\(\\s*\\)\\s*\\{\\s*}");

    @Test
    void tree_isTidy() throws IOException {
        List<String> problems = new ArrayList<>();
        Set<String> unused = new TreeSet<>(EXCEPTIONS.keySet());
        for (Path path : files(Path.of(""))) {
            String name = path.toString().replace('\\', '/');
            for (String problem : problems(name, Files.readAllBytes(path))) {
                String key = name + ": " + problem.substring(0, problem.indexOf(':'));
                if (EXCEPTIONS.containsKey(key)) {
                    unused.remove(key);
                } else {
                    problems.add(name + ": " + problem);
                }
            }
        }
        assertEquals("", String.join("\n", problems));
        assertEquals(Set.of(), unused);
    }

    @Test
    void everyPackageSaysWhatItIs() throws IOException {
        assertEquals(Set.of(), packagesWithoutInfo(Path.of("src/main/java")));
    }

    @Test
    void files_listsThisOne() throws IOException {
        assertTrue(files(Path.of("")).contains(Path.of("src/test/java/dev/quire/TidyTest.java")));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            A.java   | class A { void b() {@} }                      | method is too long: name=b, line=1, lines=61
            A.java   | record A(int b) { A {@} }                     | method is too long: name=A, line=1, lines=61
            A.java   | class A { @Deprecated int b(char c) {@} }     | method is too long: name=b, line=1, lines=61
            A.java   | class A { R b = new R() { int c() {@} }; }    | method is too long: name=c, line=1, lines=61
            a.cpp    | namespace x { int b() { if (c) {@} } }        | method is too long: name=b, line=1, lines=61
            a.cu     | template <class T> void b(T x) {@}            | method is too long: name=b, line=1, lines=61
            A.java   | class BlockManager {}                         | name has a word that says nothing: name=BlockManager
            A.java   | interface X { record PoolImpl(int a) {} }     | name has a word that says nothing: name=PoolImpl
            a.h      | struct KernelBase { int a; };                 | name has a word that says nothing: name=KernelBase
            A.java   | class A { void checkInvariants() { /* */ } }  | checkInvariants is empty: line=1
            A.java   | class A { } }                                 | braces must balance: line=1
            src/test/java/A.java | class A { int b = sleep(1); void c() { Thread.sleep(1); } } | test sleeps: line=1
            src/test/java/A.java | @Disabled class A { }             | test is switched off: line=1
            src/test/java/A.java | @DisabledIf("x") class A { }      | test is switched off: line=1
            notes.md | see {home}/me/x                               | path of one machine: line=1
            """)
    void problems_badFile_areFound(String path, String text, String problem) {
        assertEquals(List.of(problem), problems(path, fill(text)));
    }

    @Test
    void problems_unfinishedWork_isFound() {
        assertEquals(
                List.of("unfinished work: line=2"),
                problems("README.md", ("a\n// TO" + "DO b").getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void problems_brokenComment_isFound() {
        String text = "/// A class that says more than fits into a\n// line.\nclass A {}\n";
        assertEquals(
                List.of("documentation comment is broken: line=1"),
                problems("A.java", text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void problems_longClass_isFound() {
        String text = "\nclass A {" + "\nint a;".repeat(CLASS_LINES - 1) + "\n}\n";
        assertEquals(
                List.of("class is too long: name=A, line=2, lines=501"),
                problems("A.java", text.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void problems_largeFile_isFound() {
        assertEquals(List.of("file is too large: bytes=1048577"), problems("a.bin", new byte[(1 << 20) + 1]));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            A.java | class A { int[] b = {@}; String c = "{"; char d = '}', e = '\\''; }
            A.java | class Basement { /* class BlockManager { */ void checkInvariants() { check(); } }
            A.java | enum Implied { A(1) { int b() { return 1; } }; }
            a.cpp  | extern "C" {@} // struct PoolImpl {
            a.cpp  | int a = 1'000; static const int b[] = {@};
            src/main/java/A.java | class A { void b() { Thread.sleep(1); } }
            a.md   | https://example.org{home}/me target/home/x ${HOME}/Users/x
            """)
    void problems_goodFile_areNone(String path, String text) {
        assertEquals(List.of(), problems(path, fill(text)));
    }

    @Test
    void packagesWithoutInfo_packageWithout_isFound(@TempDir Path folder) throws IOException {
        Path quiet = Files.createDirectories(folder.resolve("a/b"));
        Files.writeString(quiet.resolve("B.java"), "class B {}");
        Path told = Files.createDirectories(folder.resolve("a/c"));
        Files.writeString(told.resolve("C.java"), "class C {}");
        Files.writeString(told.resolve("package-info.java"), "package a.c;");
        assertEquals(Set.of(quiet), packagesWithoutInfo(folder));
    }

    /// `{@}` becomes a body that is too long for a function; `{home}` a folder name that this file must not contain.
    private static byte[] fill(String text) {
        return text.replace("{@}", "{" + "\n".repeat(METHOD_LINES) + "}")
                .replace("{home}", "/ho" + "me")
                .getBytes(StandardCharsets.UTF_8);
    }

    /// What is wrong with one file: `rule: values`.
    private static List<String> problems(String path, byte[] bytes) {
        List<String> problems = new ArrayList<>();
        if (bytes.length > FILE_BYTES) {
            return List.of("file is too large: bytes=" + bytes.length);
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        if (text.indexOf('\0') >= 0) {
            return List.of();
        }
        find(UNFINISHED, text, "unfinished work", problems);
        find(MACHINE_PATH, text, "path of one machine", problems);
        if (path.matches(".*\\.(java|cpp|h|cu|cuh)")) {
            find(BROKEN_COMMENT, text, "documentation comment is broken", problems);
            try {
                addCodeProblems(path, new SourceText(text), problems);
            } catch (IllegalArgumentException e) {
                problems.add(e.getMessage());
            }
        }
        return problems;
    }

    private static void addCodeProblems(String path, SourceText source, List<String> problems) {
        for (SourceText.Part part : source.parts()) {
            String place = "name=" + part.name() + ", line=" + part.line() + ", lines=" + part.lines();
            if (part.lines() > (part.type() ? CLASS_LINES : METHOD_LINES)) {
                problems.add((part.type() ? "class" : "method") + " is too long: " + place);
            }
            if (part.type() && BANNED_NAME.matcher(part.name()).find()) {
                problems.add("name has a word that says nothing: name=" + part.name());
            }
        }
        find(EMPTY_INVARIANTS, source.code(), "checkInvariants is empty", problems);
        if (path.startsWith("src/test/")) {
            find(Pattern.compile("\\bThread\\.sleep\\b"), source.code(), "test sleeps", problems);
            find(Pattern.compile("@Disabled"), source.code(), "test is switched off", problems);
        }
    }

    private static void find(Pattern pattern, String text, String rule, List<String> problems) {
        Matcher matcher = pattern.matcher(text);
        while (matcher.find()) {
            long before = text.substring(0, matcher.start())
                    .chars()
                    .filter(c -> c == '\n')
                    .count();
            problems.add(rule + ": line=" + (1 + before));
        }
    }

    private static Set<Path> packagesWithoutInfo(Path root) throws IOException {
        Set<Path> without = new TreeSet<>();
        try (Stream<Path> paths = Files.walk(root)) {
            paths.filter(path -> path.toString().endsWith(".java"))
                    .map(Path::getParent)
                    .filter(folder -> Files.notExists(folder.resolve("package-info.java")))
                    .forEach(without::add);
        }
        return without;
    }

    /// The files that belong to the project: what git knows or would add, or every file where there is no git.
    private static List<Path> files(Path root) throws IOException {
        List<Path> files = gitFiles(root);
        if (!files.isEmpty()) {
            return files;
        }
        try (Stream<Path> paths = Files.walk(root)) {
            return paths.filter(Files::isRegularFile)
                    .filter(path -> !path.startsWith("target") && !path.startsWith(".git"))
                    .toList();
        }
    }

    private static List<Path> gitFiles(Path root) throws IOException {
        Process git;
        try {
            // The tree may belong to another user, as in a container: git then wants to be told that it is safe.
            git = new ProcessBuilder("git", "-c", "safe.directory=*", "ls-files", "-z", "-co", "--exclude-standard")
                    .directory(root.toAbsolutePath().toFile())
                    .redirectError(ProcessBuilder.Redirect.DISCARD)
                    .start();
        } catch (IOException e) {
            return List.of();
        }
        String names = new String(git.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        try {
            if (git.waitFor() != 0) {
                return List.of();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new UncheckedIOException(new IOException("interrupted", e));
        }
        return Stream.of(names.split("\0"))
                .filter(name -> !name.isEmpty())
                .map(Path::of)
                .filter(Files::isRegularFile)
                .toList();
    }
}
