package dev.quire.cache;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/// The lines on the package's page compile and do what their comments say, with nothing but this package.
class PackagePageTest {
    private static final Path PAGE = Path.of("src/main/java/dev/quire/cache/package-info.java");

    @TempDir
    private Path folder;

    @Test
    void page_tenLines_runWithThisPackageAlone() throws Exception {
        List<String> lines = lines();
        assertEquals(10, lines.size());
        copyPackage();
        Files.writeString(folder.resolve("Page.java"), """
                import dev.quire.cache.*;

                public class Page {
                    public static String run() {
                        %s
                        return "length=" + first.length() + ", inUse=" + pool.inUse() + ", shared=" + pool.shared()
                                + ", copies=" + copies.count() + ", moved=" + (second.block(2) == copies.destination(0))
                                + ", free=" + pool.free();
                    }
                }
                """.formatted(String.join("\n", lines)));
        compile();
        var alone = new URL[] {folder.toUri().toURL()};
        try (var loader = new URLClassLoader(alone, ClassLoader.getPlatformClassLoader())) {
            Object result = loader.loadClass("Page").getMethod("run").invoke(null);
            assertEquals("length=32, inUse=4, shared=2, copies=1, moved=true, free=96", result);
        }
    }

    /// What stands between the page's two fences.
    private static List<String> lines() throws IOException {
        return Files.readAllLines(PAGE).stream()
                .map(line -> line.replaceFirst("^/// ?", ""))
                .dropWhile(line -> !line.equals("```java"))
                .skip(1)
                .takeWhile(line -> !line.equals("```"))
                .toList();
    }

    /// The package's classes, without its tests.
    private void copyPackage() throws Exception {
        Path classes = Path.of(BlockPool.class
                        .getProtectionDomain()
                        .getCodeSource()
                        .getLocation()
                        .toURI())
                .resolve("dev/quire/cache");
        Path target = Files.createDirectories(folder.resolve("dev/quire/cache"));
        try (Stream<Path> files = Files.list(classes)) {
            for (Path file : files.toList()) {
                Files.copy(file, target.resolve(file.getFileName()));
            }
        }
    }

    private void compile() {
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        String at = folder.toString();
        int result = compiler.run(
                null,
                null,
                null,
                "-proc:none",
                "-cp",
                at,
                "-d",
                at,
                folder.resolve("Page.java").toString());
        assertEquals(0, result);
    }
}
