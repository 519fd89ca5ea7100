package dev.warmgate.architecture;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.lang.ArchRule;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Who may know whom. */
class ArchitectureTest {
  private static final Path CLASSES = Path.of("target", "classes");

  /** Of each package: what of ours it may use, beside itself. The command line may use all. */
  private static final Map<String, Set<String>> MAY_USE =
      new TreeMap<>(
          Map.ofEntries(
              entry("metrics", Set.of()),
              entry("failure", Set.of()),
              entry("config", Set.of("kernels")),
              entry("decay", Set.of()),
              entry("routing", Set.of("routing.dispatch", "decay", "kernels", "metrics")),
              entry("routing.dispatch", Set.of("kernels")),
              entry(
                  "residency",
                  Set.of(
                      "residency.eviction",
                      "residency.store",
                      "failure",
                      "onnx",
                      "kernels",
                      "hwdetect",
                      "metrics")),
              entry("residency.store", Set.of()),
              entry("repack", Set.of("onnx", "residency.store")),
              entry("residency.eviction", Set.of("decay")),
              entry("simulate", Set.of("residency.eviction", "residency.prefetch")),
              entry("residency.prefetch", Set.of()),
              entry(
                  "expert",
                  Set.of(
                      "routing",
                      "residency",
                      "residency.eviction",
                      "residency.prefetch",
                      "kernels",
                      "hwdetect",
                      "config",
                      "metrics")),
              entry("onnx", Set.of("onnx.proto")),
              entry("generate", Set.of()),
              entry(
                  "host.ort",
                  Set.of(
                      "host.ffi",
                      "expert",
                      "failure",
                      "onnx",
                      "config",
                      "metrics",
                      "kernels",
                      "hwdetect",
                      "residency",
                      "routing")),
              entry("host.ffi", Set.of()),
              entry("host.session", Set.of("host.ffi", "onnx")),
              entry(
                  "host.triton",
                  Set.of(
                      "config",
                      "failure",
                      "generate",
                      "host.ffi",
                      "host.ort",
                      "host.session",
                      "kernels",
                      "metrics",
                      "onnx")),
              entry(
                  "cli",
                  Set.of(
                      "config",
                      "expert",
                      "failure",
                      "generate",
                      "host.ort",
                      "hwdetect",
                      "kernels",
                      "metrics",
                      "onnx",
                      "repack",
                      "residency",
                      "residency.eviction",
                      "routing",
                      "simulate"))));

  private static JavaClasses plugin;

  @BeforeAll
  static void read() {
    plugin = new ClassFileImporter().importPath(CLASSES);
  }

  static Set<String> packages() {
    return MAY_USE.keySet();
  }

  @ParameterizedTest
  @MethodSource("packages")
  void usesOnlyWhatItMayKnow(String name) {
    arrows(name, MAY_USE.get(name)).check(plugin);
  }

  /** Packages of ours, by their short name, without those below. */
  private static ArchRule arrows(String name, Set<String> mayUse) {
    Set<String> known =
        Stream.concat(mayUse.stream(), Stream.of(name))
            .map(other -> "dev.warmgate." + other)
            .collect(Collectors.toCollection(TreeSet::new));
    var stranger =
        DescribedPredicate.<JavaClass>describe(
            "classes of ours outside " + known,
            type ->
                type.getPackageName().startsWith("dev.warmgate")
                    && !known.contains(type.getPackageName()));
    return noClasses()
        .that()
        .resideInAPackage("dev.warmgate." + name)
        .should()
        .dependOnClassesThat(stranger);
  }

  @Test
  void everyPackageHasItsRule() {
    Set<String> found =
        plugin.stream()
            .map(type -> type.getPackageName().replace("dev.warmgate.", ""))
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(new TreeSet<>(MAY_USE.keySet()), found);
  }

  @Test
  void nobodyDependsOnTheCommandLine() {
    classes()
        .that()
        .resideInAPackage("dev.warmgate.cli..")
        .should()
        .onlyHaveDependentClassesThat(resideInAnyPackage("dev.warmgate.cli.."))
        .check(plugin);
  }

  @Test
  void packagesHaveNoCycles() {
    slices().matching("dev.warmgate.(**)").should().beFreeOfCycles().check(plugin);
  }

  @Test
  void everyPackageSaysWhatHoldsInIt() {
    for (String name : packages()) {
      Path info =
          Path.of("src", "main", "java", "dev", "warmgate")
              .resolve(name.replace('.', '/'))
              .resolve("package-info.java");
      assertTrue(Files.isRegularFile(info), info + " is missing");
    }
  }

  /** That the rules can fail: each arrow that is used breaks a rule without it. */
  @ParameterizedTest
  @MethodSource("usedArrows")
  void aForbiddenArrowIsFound(Arrow arrow) {
    Set<String> without = new TreeSet<>(MAY_USE.get(arrow.from()));
    without.remove(arrow.to());
    var e = assertThrows(AssertionError.class, () -> arrows(arrow.from(), without).check(plugin));
    assertTrue(e.getMessage().contains("dev.warmgate." + arrow.to()), e.getMessage());
  }

  private record Arrow(String from, String to) {}

  static List<Arrow> usedArrows() {
    return List.of(
        new Arrow("routing", "kernels"),
        new Arrow("residency", "hwdetect"),
        new Arrow("residency", "metrics"),
        new Arrow("expert", "residency"),
        new Arrow("onnx", "onnx.proto"),
        new Arrow("config", "kernels"),
        new Arrow("host.ort", "expert"),
        new Arrow("cli", "generate"));
  }
}
