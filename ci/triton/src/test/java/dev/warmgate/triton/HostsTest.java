package dev.warmgate.triton;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The example hosts, in C++ and Java: what they write, and how signals end them. */
class HostsTest {
  private static final String PROMPT = "In the beginning";
  private static final int TOKENS = 32;
  private static final Path EXAMPLES = Suite.home().resolve("examples").resolve("triton");

  @TempDir static Path folder;

  private static Path host;
  private static String expected;

  @BeforeAll
  static void prepare() throws IOException, InterruptedException {
    ExampleModel.addTo(
        new Repository(folder.resolve("repository")),
        "warmgate-kjv",
        Files.readString(
            EXAMPLES.resolve("repository").resolve("warmgate-kjv").resolve("config.pbtxt")));
    expected = PROMPT + ExampleModel.run(PROMPT, TOKENS, folder).text();
    host = folder.resolve("host");
    Path core = Suite.core();
    compile(
        EXAMPLES.resolve("host.cpp"),
        host,
        "-L" + core,
        "-ltritonserver",
        "-Wl,-rpath," + core,
        "-Wl,--allow-shlib-undefined");
  }

  private static void compile(Path source, Path target, String... options)
      throws IOException, InterruptedException {
    List<String> command =
        new ArrayList<>(
            List.of("g++", "-std=c++17", "-Wall", "-Wextra", "-Werror", source.toString()));
    command.addAll(List.of("-o", target.toString()));
    command.addAll(List.of(options));
    assertEquals(0, new ProcessBuilder(command).inheritIO().start().waitFor());
  }

  /** A host that is running. */
  private record Running(Process process, BufferedReader out, Writer in) {

    static Running start(List<String> command, Map<String, String> environment) throws IOException {
      ProcessBuilder builder =
          new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD);
      builder.environment().keySet().removeIf(name -> name.contains("JAVA"));
      builder.environment().put("XDG_STATE_HOME", folder.toString());
      builder.environment().putAll(environment);
      Process process = builder.start();
      return new Running(
          process,
          new BufferedReader(
              new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8)),
          process.outputWriter(StandardCharsets.UTF_8));
    }

    void say(String line) throws IOException {
      in.write(line + "\n");
      in.flush();
    }

    /** Lines from now on, until one ends the text or the program ends. */
    String text() throws IOException {
      StringBuilder text = new StringBuilder();
      while (text.length() < expected.length()) {
        String line = out.readLine();
        if (line == null) {
          break;
        }
        text.append(text.isEmpty() ? "" : "\n").append(line);
      }
      return text.toString();
    }

    void signal(String name) throws IOException, InterruptedException {
      new ProcessBuilder("kill", "-" + name, Long.toString(process.pid())).start().waitFor();
    }

    int exit() throws InterruptedException {
      assertTrue(process.waitFor(60, TimeUnit.SECONDS));
      return process.exitValue();
    }
  }

  private static List<String> cpp() {
    return List.of(
        host.toString(),
        folder.resolve("repository").toString(),
        Suite.backends().toString(),
        "warmgate-kjv",
        System.getProperty("java.home"));
  }

  @Test
  void aCppHostWritesAndStopsAtSigint() throws Exception {
    Running running = Running.start(cpp(), Map.of());
    assertEquals("ready", running.out().readLine());
    running.say(PROMPT);
    assertEquals(expected, running.text());
    running.signal("INT");
    assertEquals("interrupted", running.out().readLine());
    assertEquals(0, running.exit());
  }

  @Test
  void theJvmGetsItsSignalsBack() throws Exception {
    Path thief = folder.resolve("thief.so");
    compile(
        Suite.home().resolve("ci/triton/src/test/cpp/signal_thief.cpp"), thief, "-shared", "-fPIC");
    Running running = Running.start(cpp(), Map.of("LD_PRELOAD", thief.toString()));
    assertEquals("ready", running.out().readLine());
    running.signal("USR1");
    running.say(PROMPT);
    assertEquals(expected, running.text());
    running.signal("USR1");
    assertEquals("jvm's", running.out().readLine());
    running.in().close();
    assertEquals("done", running.out().readLine());
    assertEquals(0, running.exit());
  }

  @Test
  void aHostWithoutAJvmIsToldWhatIsMissing() throws Exception {
    List<String> command = new ArrayList<>(cpp().subList(0, 4));
    command.add(folder.toString());
    Path log = folder.resolve("log");
    ProcessBuilder builder = new ProcessBuilder(command).redirectError(log.toFile());
    builder.environment().keySet().removeIf(name -> name.contains("JAVA"));
    Process process = builder.start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(1, process.exitValue());
    assertTrue(
        Files.readString(log).contains("--backend-config=warmgate,java-home="),
        Files.readString(log));
  }

  @Test
  void aJavaHostWrites() throws Exception {
    Running running =
        Running.start(
            List.of(
                System.getProperty("java.home") + "/bin/java",
                "--enable-native-access=ALL-UNNAMED",
                "-XX:+UseSerialGC",
                "-Xmx512m",
                "-Dorg.bytedeco.javacpp.pathsFirst=true",
                "-Djava.library.path=" + Suite.core(),
                "-cp",
                Suite.bindings(),
                EXAMPLES.resolve("Host.java").toString(),
                folder.resolve("repository").toString(),
                Suite.backends().toString(),
                "warmgate-kjv"),
            Map.of());
    assertEquals("ready", running.out().readLine());
    running.say(PROMPT);
    assertEquals(expected, running.text());
    running.in().close();
    assertEquals("done", running.out().readLine());
    assertEquals(0, running.exit());
  }
}
