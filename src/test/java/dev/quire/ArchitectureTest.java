package dev.quire;

import static com.tngtech.archunit.base.DescribedPredicate.or;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static java.util.Map.entry;
import static java.util.stream.Collectors.toSet;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.FieldSource;

/// Who may use whom (docs/architecture.md): dependencies point down, one way. A new package is a new row here, in the
/// commit that brings its first class.
class ArchitectureTest {
    private static final Map<String, Set<String>> MAY_USE = Map.ofEntries(
            entry("api", Set.of("engine", "sampling", "tokenizer")),
            entry("cli", Set.of("engine", "load", "sampling", "tokenizer", "model", "store", "format", "tensor")),
            entry(
                    "engine",
                    Set.of(
                            "scheduler",
                            "cache",
                            "model",
                            "sampling",
                            "tokenizer",
                            "kernel",
                            "store",
                            "format",
                            "tensor")),
            entry("scheduler", Set.of("cache", "sampling")),
            entry("model", Set.of("kernel", "format", "tensor")),
            entry("tokenizer", Set.of("format", "template")),
            entry("template", Set.of()),
            entry("store", Set.of("format", "tensor")),
            entry("format", Set.of("tensor")),
            entry("kernel", Set.of("sampling", "tensor")),
            entry("cache", Set.of()),
            entry("health", Set.of("engine")),
            entry("load", Set.of()),
            entry("sampling", Set.of()),
            entry("tensor", Set.of()));

    static final Set<String> packages = MAY_USE.keySet();

    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.quire");

    @ParameterizedTest
    @FieldSource("packages")
    void usesOnlyThePackagesBelowIt(String name) {
        String[] allowed = Stream.concat(Stream.of(name), MAY_USE.get(name).stream())
                .map(p -> "dev.quire." + p + "..")
                .toArray(String[]::new);
        classes()
                .that()
                .resideInAPackage("dev.quire." + name + "..")
                .should()
                .onlyDependOnClassesThat(or(resideOutsideOfPackage("dev.quire.."), resideInAnyPackage(allowed)))
                .check(MAIN);
    }

    @Test
    void everyPackageIsInTheTable() {
        assertEquals(
                packages,
                MAIN.stream()
                        .map(JavaClass::getPackageName)
                        .filter(name -> name.startsWith("dev.quire."))
                        .map(name -> name.split("\\.")[2])
                        .collect(toSet()));
    }

    @Test
    void onlyNativeBackendsUseJavaCpp() {
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.quire.kernel.cpu..", "dev.quire.kernel.cuda..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.bytedeco..")
                .check(MAIN);
    }

    @Test
    void kernelInterfaceDoesNotKnowItsBackends() {
        noClasses()
                .that()
                .resideInAPackage("dev.quire.kernel")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("dev.quire.kernel.cpu..", "dev.quire.kernel.cuda..")
                .check(MAIN);
    }

    @Test
    void onlyTheTopUsesTheFramework() {
        noClasses()
                .that()
                .resideOutsideOfPackages(
                        "dev.quire.api..", "dev.quire.cli..", "dev.quire.health..", "dev.quire.engine..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("jakarta..", "io.quarkus..", "io.smallrye..")
                .check(MAIN);
    }
}
