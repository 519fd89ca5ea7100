package dev.warmgate.cli;

import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import dev.warmgate.generate.GenAiConfig;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * The main job, side by side: stock ONNX Runtime, Warmgate with all experts in memory, Warmgate
 * with a quarter of them. Each runs in a process of its own, so that its peak memory is its own.
 */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = "Writes the same text with stock ONNX Runtime and with Warmgate, and compares.")
final class DemoCommand extends WarmgateCommand {
  /** Set by the launcher: the repository's root. */
  private static final String HOME = "warmgate.home";

  private static final String LOSSLESS = "lossless-25";
  private static final String BOUNDED = "bounded-25";

  /** In the folder where the user is, if it can be written to. */
  private static final String PICTURE = "expert-use.svg";

  private record Variant(String name, List<String> arguments) {}

  private static final List<Variant> VARIANTS =
      List.of(
          new Variant("stock", List.of("--stock")),
          new Variant("lossless-100", exact("--expert-memory", "100%")),
          new Variant(LOSSLESS, exact("--expert-memory", "25%", "--expert-use")),
          new Variant(BOUNDED, cold("--expert-memory", "25%", "--routing", "cache-prior")));

  @Parameters(
      arity = "0..1",
      paramLabel = "MODEL_DIR",
      description = "A folder in GenAI's layout; the shipped example model by default.")
  private Path directory;

  @Option(
      names = "--prompt",
      paramLabel = "TEXT",
      defaultValue = "The SELECT statement",
      description = "What to write on from (${DEFAULT-VALUE}).")
  private String prompt;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0.7",
      description =
          "0 takes the likeliest token always, and soon repeats itself (${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "1",
      description = "Another seed, another text (${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "64",
      description = "The most tokens to write (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "2000",
      description = "Tokens to write before anything is counted or timed (${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description =
          "Where to draw how often each layer used each expert; .png or .svg (" + PICTURE + ").")
  private Path plot;

  @Option(names = "--threads", paramLabel = "N", description = "Threads that compute.")
  private Integer threads;

  DemoCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException, InterruptedException {
    Path model = directory != null ? directory : shippedModel();
    GenAiConfig.read(model);
    Optional<Plotter> plotter = plotter();
    List<JsonObject> runs = new ArrayList<>();
    try (Progress progress = Progress.start(console(), "demo", VARIANTS.size())) {
      for (Variant variant : VARIANTS) {
        runs.add(run(variant, model));
        progress.step();
      }
    }
    if (plotter.isPresent()) {
      plotter.get().save(ExpertUse.picture(percentOf(model), expertUse(runs)), picture());
    }
    boolean equal = lossless(runs).map(run -> run.get("token_ids")).distinct().count() == 1;
    if (json()) {
      print(
          Json.object(
              "model",
              model,
              "prompt",
              prompt,
              "equal",
              equal,
              "runs",
              runs,
              "plot",
              plotter.map(_ -> picture())));
    } else {
      print(runs, equal);
      plotter.ifPresent(
          _ -> console().out().printf("Which experts each layer used: %s%n", picture()));
    }
    if (!equal) {
      throw new CommandFailure(model + ": the texts differ");
    }
    return Main.DONE;
  }

  /** The runs that must write the same. */
  private static Stream<JsonObject> lossless(List<JsonObject> runs) {
    return runs.stream().filter(run -> !run.get("name").getAsString().equals(BOUNDED));
  }

  private Path picture() {
    return plot == null ? Path.of(PICTURE) : plot;
  }

  private Optional<Plotter> plotter() {
    if (plot != null) {
      return Optional.of(Plotter.of("--plot", plot));
    }
    return Plotter.find().filter(_ -> Files.isWritable(Path.of("").toAbsolutePath()));
  }

  private static String percentOf(Path model) {
    return "%% of each layer's selections, %s"
        .formatted(model.toAbsolutePath().normalize().getFileName());
  }

  private static List<long[]> expertUse(List<JsonObject> runs) {
    return runs.stream()
        .filter(run -> run.has("expert_use"))
        .flatMap(run -> run.getAsJsonArray("expert_use").asList().stream())
        .map(
            layer ->
                layer.getAsJsonArray().asList().stream()
                    .mapToLong(JsonElement::getAsLong)
                    .toArray())
        .toList();
  }

  private static Path shippedModel() throws IOException {
    Path folder = Path.of(System.getProperty(HOME, "."), "examples", "model");
    if (Files.isDirectory(folder)) {
      try (Stream<Path> folders = Files.list(folder)) {
        List<Path> models = folders.filter(GenAiConfig::isPresent).sorted().toList();
        if (!models.isEmpty()) {
          return models.getFirst();
        }
      }
    }
    throw new IOException(folder + ": no example model in it; name a model's folder");
  }

  private JsonObject run(Variant variant, Path model) throws IOException, InterruptedException {
    List<String> arguments = new ArrayList<>(List.of("run", model.toString(), "--json"));
    arguments.addAll(List.of("--prompt", prompt, "--max-tokens", Integer.toString(maxTokens)));
    arguments.addAll(List.of("--warm-up", Integer.toString(warmUp)));
    arguments.addAll(List.of("--temperature", Double.toString(temperature)));
    arguments.addAll(List.of("--seed", Long.toString(seed)));
    if (threads != null) {
      arguments.addAll(List.of("--threads", threads.toString()));
    }
    if (debug()) {
      arguments.add(Main.DEBUG);
    }
    arguments.addAll(variant.arguments);
    ChildProcess.Result result = ChildProcess.run(arguments);
    if (result.exitCode() != 0) {
      throw new CommandFailure(
          result.exitCode() == Main.UNUSABLE ? Main.UNUSABLE : Main.FAILED,
          "demo " + variant.name + ": " + result.lastError());
    }
    JsonObject run =
        JsonParser.parseString(result.output())
            .getAsJsonObject()
            .getAsJsonArray("runs")
            .get(0)
            .getAsJsonObject();
    run.addProperty("name", variant.name);
    return run;
  }

  private void print(List<JsonObject> runs, boolean equal) {
    PrintStream out = console().out();
    out.println(prompt + runs.getFirst().get("text").getAsString());
    out.println();
    JsonObject bounded = runs.getLast();
    out.println("With bounded-loss routing:");
    out.println(prompt + bounded.get("text").getAsString());
    out.println();
    TextTable table =
        TextTable.ofNumbers()
            .row("", "tokens/s", "hit rate", "read", "expert memory", "peak memory");
    for (JsonObject run : runs) {
      table.row(
          run.get("name").getAsString(),
          Texts.number(run.get("tokens_per_s").getAsDouble(), 1),
          run.get("hit_rate").isJsonNull() ? "" : Texts.percent(run.get("hit_rate").getAsDouble()),
          bytes(run.get("bytes_read")),
          bytes(run.get("expert_memory_bytes")),
          bytes(run.get("peak_rss_bytes")));
    }
    out.print(table);
    out.println();
    out.println(
        equal
            ? "Stock and lossless runs wrote the same %s. Counted after %d of warm-up. %s kept %s."
                .formatted(
                    Texts.count(runs.getFirst().get("tokens").getAsLong(), "token"),
                    warmUp,
                    BOUNDED,
                    kept(bounded.getAsJsonObject("routing")))
            : "The texts differ.");
  }

  /** A text that is to be stock's, token by token, has no room for rounded activations. */
  private static List<String> exact(String... arguments) {
    return Stream.concat(cold(arguments).stream(), Stream.of("--option", "precision=exact"))
        .toList();
  }

  /** Runs are compared: none may profit from an earlier one. */
  private static List<String> cold(String... arguments) {
    return Stream.concat(Stream.of(arguments), Stream.of("--option", "warm_start=off")).toList();
  }

  private static String kept(JsonObject routing) {
    return "%s of the gate's choices, %s of their weight"
        .formatted(
            Texts.percent(routing.get("agreement").getAsDouble()),
            Texts.percent(routing.get("mass_kept").getAsDouble()));
  }

  private static String bytes(JsonElement value) {
    return value.isJsonNull() ? "" : Texts.bytes(value.getAsLong());
  }
}
