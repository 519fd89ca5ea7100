package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import com.google.gson.JsonObject;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Generation;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.TextStream;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntConsumer;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Text from a model. */
@Command(
    name = "run",
    mixinStandardHelpOptions = true,
    description = "Writes on from a prompt with a decoder model in GenAI's layout.")
final class RunCommand extends WarmgateCommand {
  @Parameters(
      paramLabel = "MODEL_DIR",
      description = "The folder with genai_config.json, the ONNX file and tokenizer.json.")
  private Path directory;

  @ArgGroup(multiplicity = "1")
  private Prompt prompt;

  /** A text, or ids. */
  static final class Prompt {
    @Option(names = "--prompt", paramLabel = "TEXT", description = "What to write on from.")
    private String text;

    @Option(
        names = "--prompt-ids",
        paramLabel = "ID",
        split = ",",
        description = "The same as token ids: 1,2,3.")
    private int[] ids;
  }

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "128",
      description = "The most tokens to write (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "0",
      description = "0 takes the likeliest token always (the default).")
  private double temperature;

  @Option(
      names = "--top-p",
      paramLabel = "P",
      defaultValue = "1",
      description = "Choose among the likeliest tokens that together have this probability.")
  private double topP;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Equal seeds write equal texts.")
  private long seed;

  @Option(
      names = "--warm-up",
      paramLabel = "N",
      defaultValue = "0",
      description = "Tokens to write before anything is counted or timed (${DEFAULT-VALUE}).")
  private int warmUp;

  @Option(names = "--stock", description = "Run on ONNX Runtime without Warmgate.")
  private boolean stock;

  @Option(
      names = "--expert-use",
      description = "With --json: also says how often each layer selected each expert.")
  private boolean expertUse;

  @Mixin private final EngineOptions options = new EngineOptions();

  private boolean begun;

  RunCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException, OrtException {
    Sampling sampling = new Sampling(temperature, topP, seed);
    if (maxTokens < 1) {
      throw new IllegalArgumentException("--max-tokens must be at least 1, not " + maxTokens);
    }
    if (warmUp < 0) {
      throw new IllegalArgumentException("--warm-up must not be negative, like " + warmUp);
    }
    if (expertUse && stock) {
      throw new IllegalArgumentException("--expert-use doesn't go with --stock");
    }
    if (prompt.text != null && prompt.text.isEmpty()) {
      throw new IllegalArgumentException("--prompt is empty");
    }
    Engine engine = stock ? Engine.stock(options) : Engine.warmgate(options);
    try (DecoderModel model = engine.openDecoder(directory)) {
      Optional<Tokenizer> tokenizer = tokenizer();
      try {
        write(engine, model, sampling, tokenizer);
      } finally {
        tokenizer.ifPresent(Tokenizer::close);
      }
    }
    return Main.DONE;
  }

  /** A prompt of text needs a tokenizer; one of ids is also served without. */
  private Optional<Tokenizer> tokenizer() throws IOException {
    try {
      return Optional.of(TokenizerProvider.find(directory));
    } catch (IOException e) {
      if (prompt.ids == null) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private void write(
      Engine engine, DecoderModel model, Sampling sampling, Optional<Tokenizer> tokenizer)
      throws IOException, OrtException {
    int[] ids = prompt.ids != null ? prompt.ids : tokenizer.orElseThrow().encode(prompt.text);
    warmUp(model, ids, sampling);
    Optional<ResidencyStats> before = engine.statistics();
    Optional<RoutingStats> routedBefore = engine.routingStatistics();
    Optional<ExpertUse> use = expertUse ? Optional.of(watch()) : Optional.empty();
    StringBuilder text = new StringBuilder();
    Generation generation;
    try (Progress progress = Progress.start(progressConsole(), "run", maxTokens)) {
      Optional<TextStream> stream = tokenizer.map(Tokenizer::stream);
      IntConsumer listener =
          id -> {
            progress.step();
            begin();
            append(text, stream.map(s -> s.push(id)).orElse(id + " "));
          };
      generation = new Generator(model).generate(ids, maxTokens, sampling, listener);
      begin();
      append(text, stream.map(TextStream::finish).orElse(""));
    }
    Optional<ResidencyStats> counted =
        engine.statistics().map(after -> after.since(before.orElseThrow()));
    Optional<RoutingStats> routed =
        engine.routingStatistics().map(after -> after.since(routedBefore.orElseThrow()));
    JsonObject report =
        report(engine.name(), counted, generation, tokenizer.map(t -> text.toString()));
    List<LayerStats> layers = engine.layerStatistics();
    Residency.addTo(report, "routing", routed, layers);
    use.ifPresent(watched -> report.add("expert_use", Json.of(watched.counts())));
    if (json()) {
      // The fields of the entry, and the entry in a list as `demo` prints it: one reader for both.
      JsonObject whole = report.deepCopy();
      whole.add("runs", Json.of(List.of(report)));
      print(whole);
    } else {
      summarize(counted, routed, layers, generation);
    }
  }

  private ExpertUse watch() throws IOException {
    MoeModel experts = Engine.layers(directory);
    ExpertUse use = new ExpertUse(experts);
    experts.tap(use);
    return use;
  }

  /** Shows the prompt, not before it turned out to be one that the model takes. */
  private void begin() {
    if (!begun && !json() && prompt.text != null) {
      console().out().print(prompt.text);
    }
    begun = true;
  }

  /** A bar would tear the text apart that runs through the same terminal. */
  private Console progressConsole() {
    return new Console(console().out(), console().err(), console().progress() && json());
  }

  private void append(StringBuilder text, String piece) {
    text.append(piece);
    if (!json()) {
      PrintStream out = console().out();
      out.print(piece);
      out.flush();
    }
  }

  /** The first tokens of a process are slow in any host that compiles as it goes. */
  private void warmUp(DecoderModel model, int[] ids, Sampling sampling) throws OrtException {
    for (int left = warmUp; left > 0; ) {
      // A text that ends early is written again.
      int written = new Generator(model).generate(ids, left, sampling, _ -> {}).tokens().size();
      left -= Math.max(written, 1);
    }
  }

  private static JsonObject report(
      String name, Optional<ResidencyStats> counted, Generation generation, Optional<String> text) {
    JsonObject report =
        Json.object(
            "name",
            name,
            "text",
            text,
            "tokens",
            generation.tokens().size(),
            "tokens_per_s",
            tokensPerSecond(generation));
    Residency.addTo(report, counted);
    report.add("peak_rss_bytes", Json.of(ProcessMemory.peakBytes()));
    report.add("finish", Json.of(generation.finish().name().toLowerCase(Locale.ROOT)));
    report.add("token_ids", Json.of(generation.tokens()));
    report.add("prefill_ms", Json.of(generation.prefillMillis()));
    report.add("decode_ms_per_token", Json.of(generation.decodeMillisPerToken()));
    return report;
  }

  /** The speed of writing on; of the first token if there is but one. */
  private static double tokensPerSecond(Generation generation) {
    double step = generation.decodeMillisPerToken();
    return 1000 / (step > 0 ? step : generation.prefillMillis());
  }

  private void summarize(
      Optional<ResidencyStats> counted,
      Optional<RoutingStats> routed,
      List<LayerStats> layers,
      Generation generation) {
    console().out().println();
    console().out().flush();
    StringBuilder line =
        new StringBuilder()
            .append(Texts.count(generation.tokens().size(), "token"))
            .append(", ")
            .append(Texts.number(tokensPerSecond(generation), 1))
            .append(" tokens/s");
    counted.ifPresent(stats -> line.append(", ").append(Residency.text(stats)));
    routed.ifPresent(stats -> line.append(", ").append(Residency.text(stats)));
    Residency.strengths(layers).ifPresent(text -> line.append(", ").append(text));
    ProcessMemory.peakBytes()
        .ifPresent(peak -> line.append(", peak memory ").append(Texts.bytes(peak)));
    console().err().println(line);
  }
}
