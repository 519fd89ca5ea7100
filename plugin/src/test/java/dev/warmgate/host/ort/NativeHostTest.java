package dev.warmgate.host.ort;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OrtException;
import dev.warmgate.host.ort.TestProcess.Outcome;
import dev.warmgate.onnx.MoeModelSpec;
import dev.warmgate.onnx.MoeModels;
import dev.warmgate.repack.Repack;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A C++ program without a JVM loads the library, which makes one. */
@Tag("slow")
class NativeHostTest {
  private static final MoeModelSpec SPEC = MoeModelSpec.small();
  private static final int TOKENS = 5;

  @TempDir static Path folder;
  private static Path host;
  private static Path model;

  @BeforeAll
  static void compile() throws IOException, InterruptedException {
    host = folder.resolve("native_host");
    model = MoeModels.write(folder.resolve("model.onnx"), SPEC);
    Outcome compiled =
        TestProcess.run(
            folder,
            Map.of(),
            List.of(
                "g++",
                "-std=c++17",
                "-Wall",
                "-Wextra",
                "-Werror",
                "src/test/cpp/native_host.cpp",
                "-o",
                host.toString(),
                "-ldl"));
    assertEquals(0, compiled.exit(), compiled.err());
  }

  @Test
  void computesWhatAJavaHostComputes() throws IOException, InterruptedException, OrtException {
    float[] hidden = new float[TOKENS * SPEC.hidden()];
    for (int i = 0; i < hidden.length; i++) {
      hidden[i] = (float) (i % 17) / 8 - 1;
    }
    double sum = 0;
    try (Host java = Host.warmgate(model, SPEC, Map.of())) {
      for (float value : java.run(hidden)) {
        sum += value;
      }
    }
    Path adapted =
        Repack.adapt(model, false, folder.resolve("adapted")).write(true, () -> {}).model();
    for (boolean ops : new boolean[] {false, true}) {
      Outcome outcome = host(environment(), ops, ops ? adapted : model, "expert_memory", "30%");
      assertEquals(0, outcome.exit(), outcome.err());
      assertEquals(sum, Double.parseDouble(outcome.out().strip()), 1e-5);
    }
  }

  @Test
  void reportsABadOption() throws IOException, InterruptedException {
    for (boolean ops : new boolean[] {false, true}) {
      Outcome outcome = host(environment(), ops, model, "expert_memory", "much");
      assertEquals(1, outcome.exit());
      assertTrue(outcome.err().contains("'much' is not a memory size"), outcome.err());
    }
  }

  @Test
  void saysWhatIsMissingWithoutAJvm() throws IOException, InterruptedException {
    Outcome outcome = host(Map.of("JAVA_HOME", folder.toString()), false, model);
    assertEquals(1, outcome.exit());
    assertTrue(outcome.err().contains("WARMGATE_JAVA_HOME"), outcome.err());
  }

  @Test
  void saysWhatIsMissingWithoutClasses() throws IOException, InterruptedException {
    Outcome outcome =
        host(
            Map.of(
                "WARMGATE_JAVA_HOME",
                System.getProperty("java.home"),
                "WARMGATE_CLASS_PATH",
                folder.toString()),
            true,
            model);
    assertEquals(1, outcome.exit());
    assertTrue(outcome.err().contains("EntryPoints"), outcome.err());
  }

  private static Map<String, String> environment() {
    return Map.of(
        "WARMGATE_JAVA_HOME",
        System.getProperty("java.home"),
        "WARMGATE_CLASS_PATH",
        TestProcess.classPath(),
        // The JVM takes to it; a host that doesn't stays in "C", in which its numbers have a point.
        "LC_ALL",
        "C.UTF-8");
  }

  private static Outcome host(
      Map<String, String> environment, boolean ops, Path model, String... option)
      throws IOException, InterruptedException {
    Host.provider();
    List<String> command =
        new ArrayList<>(
            List.of(
                host.toString(),
                loaded("libonnxruntime.so"),
                (ops ? "ops:" : "") + WarmgateProvider.library(),
                model.toString(),
                Integer.toString(TOKENS),
                Integer.toString(SPEC.hidden())));
    command.addAll(List.of(option));
    return TestProcess.run(folder, environment, command);
  }

  /** The file of a library that this process has loaded. */
  private static String loaded(String library) throws IOException {
    try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
      return lines
          .map(line -> line.substring(line.lastIndexOf(' ') + 1))
          .filter(path -> path.endsWith("/" + library))
          .findFirst()
          .orElseThrow();
    }
  }
}
