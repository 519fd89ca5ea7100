package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.generate.LogSoftmax;
import dev.warmgate.generate.TextScore;
import dev.warmgate.generate.TextScorer;
import dev.warmgate.generate.TextWindows;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.onnx.ModelInspection;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/**
 * What routing modes and budgets cost and bring, on a text.
 *
 * <p>Each row is a session of its own that starts with empty caches. The lossless session that the
 * others are compared with runs before them and leaves its logits in a file: beside them, it would
 * show in their counters and in their times.
 */
@Command(
    name = "evaluate",
    mixinStandardHelpOptions = true,
    description = "Measures on a text what bounded-loss routing costs, and what it brings.")
final class EvaluateCommand extends WarmgateCommand {
  private static final RoutingStats NOTHING_DISPLACED = new RoutingStats(0, 0, 0, 0, 0, 0);

  @Parameters(
      paramLabel = "MODEL_DIR",
      description = "The folder with genai_config.json, the ONNX file and tokenizer.json.")
  private Path directory;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      required = true,
      description = "A text in UTF-8, best one that the model has never seen.")
  private Path file;

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "1000",
      description = "The most tokens of the text to score (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--expert-memory",
      paramLabel = "SIZE",
      split = ",",
      defaultValue = "100%,50%,25%,12.5%",
      description = "Budgets for experts, each 512m, 8g, 35%% or auto (${DEFAULT-VALUE}).")
  private List<String> memories;

  @Option(
      names = "--routing",
      paramLabel = "MODE",
      split = ",",
      defaultValue = "lossless,cache-prior,max-rank,adaptive",
      description =
          "Routing modes; adaptive is cache-prior with 90%% of hits and 98%% of the gate's mass as"
              + " targets (${DEFAULT-VALUE}).")
  private List<String> routings;

  @Option(
      names = "--lambda",
      paramLabel = "N",
      split = ",",
      defaultValue = "0.05,0.1,0.2,0.4",
      description = "Strengths of cache-prior (${DEFAULT-VALUE}).")
  private List<String> lambdas;

  @Option(
      names = "--plot",
      paramLabel = "FILE",
      description = "Draws what each hit rate costs into a .png or .svg file.")
  private Path plot;

  @Option(names = "--threads", paramLabel = "N", description = "Threads that compute.")
  private Integer threads;

  @Option(
      names = "--option",
      paramLabel = "KEY=VALUE",
      description = "Any other session option, for the rows that it has a meaning for.")
  private final Map<String, String> others = new LinkedHashMap<>();

  EvaluateCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException, OrtException {
    if (maxTokens < 1) {
      throw new IllegalArgumentException("--max-tokens must be at least 1, not " + maxTokens);
    }
    if (threads != null) {
      others.put("threads", threads.toString());
    }
    Plotter plotter = plot == null ? null : Plotter.of("--plot", plot);
    List<EvaluationCase> cases = EvaluationCase.all(memories, routings, lambdas, others);
    GenAiConfig config = GenAiConfig.read(directory);
    ModelInspection inspection = InspectCommand.read(config.model());
    if (inspection.layers().isEmpty()) {
      throw InspectCommand.withoutLayers(directory, inspection);
    }
    TextWindows text;
    int bytes;
    try (Tokenizer tokenizer = TokenizerProvider.find(directory)) {
      text = text(tokenizer, config);
      bytes = text.scoredBytes(tokenizer);
    }
    List<EvaluationRow> rows = measure(cases, text);
    if (json()) {
      List<?> entries = rows.stream().map(row -> row.json(bytes)).toList();
      print(
          Json.object(
              "model",
              directory,
              "text",
              file,
              "tokens",
              text.scored(),
              "bytes",
              bytes,
              "rows",
              entries));
    } else {
      console()
          .out()
          .printf(
              "%s of %s, %s bits a byte%n",
              Texts.count(text.scored(), "token"),
              file,
              Texts.number(rows.getFirst().score().bitsPerByte(bytes), 3));
      EvaluationTable.print(console().out(), rows);
    }
    if (plotter != null) { // Last: what was measured isn't lost with the picture.
      plotter.save(EvaluationPlot.of(directory.toString(), rows), plot);
    }
    return Main.DONE;
  }

  private TextWindows text(Tokenizer tokenizer, GenAiConfig config) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": " + (Files.exists(file) ? "not a file" : "no such file"));
    }
    String content;
    try {
      content = Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new IOException(file + ": not a text in UTF-8", e);
    }
    TextWindows text = TextWindows.of(tokenizer, content, maxTokens, config.contextLength());
    if (text.scored() == 0) {
      throw new IOException(file + ": too short, there is no token to score");
    }
    return text;
  }

  private List<EvaluationRow> measure(List<EvaluationCase> cases, TextWindows text)
      throws IOException, OrtException {
    List<EvaluationRow> rows = new ArrayList<>();
    long steps = (cases.size() + 2L) * text.scored();
    try (LogitsFile reference = LogitsFile.create(text.scored());
        Progress progress = Progress.start(console(), "evaluate", steps)) {
      // First, also because a process that has just started is slow.
      EvaluationCase own = EvaluationCase.reference(memories.getFirst(), others);
      try (DecoderModel model = Engine.warmgate(given(own.options())).openDecoder(directory)) {
        TextScorer.score(model, text, told(progress, reference::write));
      }
      rows.add(EvaluationRow.stock(stock(text, progress)));
      for (EvaluationCase one : cases) {
        rows.add(row(one, text, progress, reference));
      }
    }
    return rows;
  }

  private TextScore stock(TextWindows text, Progress progress) throws IOException, OrtException {
    Map<String, String> options = new LinkedHashMap<>(others);
    options.keySet().retainAll(List.of("threads"));
    try (DecoderModel model = Engine.stock(given(options)).openDecoder(directory)) {
      return TextScorer.score(model, text, told(progress, (_, _) -> {}));
    }
  }

  private EvaluationRow row(
      EvaluationCase one, TextWindows text, Progress progress, LogitsFile reference)
      throws IOException, OrtException {
    Engine engine = Engine.warmgate(given(one.options()));
    ResidencyStats before = engine.statistics().orElseThrow();
    Optional<RoutingStats> routedBefore = engine.routingStatistics();
    Divergence divergence = new Divergence(reference);
    // Snapshots before and while the session is open; no other is open in between.
    try (DecoderModel model = engine.openDecoder(directory)) {
      LambdaTrace trace = new LambdaTrace(engine, divergence);
      TextScore score = TextScorer.score(model, text, told(progress, trace));
      Optional<RoutingStats> routed =
          engine.routingStatistics().map(after -> own(after, routedBefore.orElseThrow()));
      return new EvaluationRow(
          one.routing(),
          one.routing().equals(EvaluationCase.ADAPTIVE)
              ? routed.map(stats -> (double) stats.lambda())
              : one.lambda(),
          Optional.of(one.memory()),
          score,
          Optional.of(divergence.sum / score.tokens()),
          engine.statistics().map(after -> after.since(before)),
          Optional.of(routed.orElse(NOTHING_DISPLACED)),
          trace.entries());
    }
  }

  /**
   * What was counted since a snapshot in which all sessions were closed. Of two such, the mean
   * lambda is theirs weighted by tokens, so it can be taken apart again.
   */
  private static RoutingStats own(RoutingStats after, RoutingStats before) {
    RoutingStats counted = after.since(before);
    double lambda =
        ((double) after.lambda() * after.tokens() - (double) before.lambda() * before.tokens())
            / counted.tokens();
    return new RoutingStats(
        counted.tokens(),
        counted.chosen(),
        counted.misses(),
        counted.displaced(),
        counted.keptSum(),
        (float) lambda);
  }

  /** Sums up how far a row's foresight is from the reference's. */
  private static final class Divergence implements TextScorer.Observer {
    private final LogitsFile reference;
    private double sum;

    Divergence(LogitsFile reference) {
      this.reference = reference;
    }

    @Override
    public void foresaw(int index, float[] logits) throws IOException {
      sum += LogSoftmax.divergence(reference.read(index), logits);
    }
  }

  private static TextScorer.Observer told(Progress progress, TextScorer.Observer observer) {
    return (index, logits) -> {
      observer.foresaw(index, logits);
      progress.step();
    };
  }

  private static EngineOptions given(Map<String, String> options) {
    EngineOptions given = new EngineOptions();
    // Reads ahead are as many as time allows: without them a hit rate can be repeated.
    given.set("prefetch", "off");
    options.forEach(given::set);
    given.startCold();
    return given;
  }
}
