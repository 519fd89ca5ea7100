package dev.warmgate.triton;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;

/** The example model in a repository, and what the command line writes with it. */
final class ExampleModel {
  private ExampleModel() {}

  /** What {@code run} wrote. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Written(int[] ids, String text) {}

  static Path folder() {
    return Suite.home().resolve("examples").resolve("model").resolve("warmgate-kjv");
  }

  static void addTo(Repository repository, String name, String config) throws IOException {
    Path version = Files.createDirectories(repository.folder().resolve(name).resolve("1"));
    Files.writeString(repository.folder().resolve(name).resolve("config.pbtxt"), config);
    try (Stream<Path> files = Files.list(folder())) {
      for (Path file : files.toList()) {
        Files.copy(file, version.resolve(file.getFileName()));
      }
    }
  }

  /** The command line in a process of its own, greedy. */
  static Written run(String prompt, int tokens, Path scratch)
      throws IOException, InterruptedException {
    Path backend = Suite.backends().resolve("warmgate");
    Path out = scratch.resolve("run.json");
    Process process =
        new ProcessBuilder(
                List.of(
                    System.getProperty("java.home") + "/bin/java",
                    "-XX:+UseSerialGC",
                    "-Xmx512m",
                    "--enable-native-access=ALL-UNNAMED",
                    "--sun-misc-unsafe-memory-access=allow",
                    "-cp",
                    backend + "/*:" + backend + "/lib/*",
                    "dev.warmgate.cli.Main",
                    "run",
                    folder().toString(),
                    "--prompt",
                    prompt,
                    "--max-tokens",
                    Integer.toString(tokens),
                    "--option",
                    "warm_start=off",
                    "--json"))
            .redirectOutput(out.toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    if (process.waitFor() != 0) {
      throw new IOException("run ended with " + process.exitValue());
    }
    JsonObject answer = JsonParser.parseString(Files.readString(out)).getAsJsonObject();
    int[] ids =
        StreamSupport.stream(answer.getAsJsonArray("token_ids").spliterator(), false)
            .mapToInt(id -> id.getAsInt())
            .toArray();
    return new Written(ids, answer.get("text").getAsString());
  }
}
