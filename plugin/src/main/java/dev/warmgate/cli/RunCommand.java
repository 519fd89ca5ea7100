package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Generation;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.TextStream;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;
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
  private Prompts prompts;

  @Option(
      names = "--batch",
      paramLabel = "N",
      defaultValue = "8",
      description = "With several prompts: the most texts to write at a time (${DEFAULT-VALUE}).")
  private int batch;

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
    if (batch < 1) {
      throw new IllegalArgumentException("--batch must be at least 1, not " + batch);
    }
    prompts.read();
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
      if (!prompts.areIds()) {
        throw e;
      }
      return Optional.empty();
    }
  }

  private void write(
      Engine engine, DecoderModel model, Sampling sampling, Optional<Tokenizer> tokenizer)
      throws IOException, OrtException {
    List<int[]> ids = prompts.ids(tokenizer);
    Optional<SideBySide> several =
        ids.size() == 1 ? Optional.empty() : Optional.of(new SideBySide(model, ids, batch));
    warmUp(model, ids.getFirst(), sampling);
    Optional<ResidencyStats> before = engine.statistics();
    Optional<RoutingStats> routedBefore = engine.routingStatistics();
    Optional<ExpertUse> use = expertUse ? Optional.of(watch()) : Optional.empty();
    RunReport report = new RunReport(engine);
    if (several.isPresent()) {
      writeAll(several.get(), ids, report, sampling, tokenizer.orElseThrow());
    } else {
      writeOne(model, report, ids.getFirst(), sampling, tokenizer);
    }
    report.counted(
        engine.statistics().map(after -> after.since(before.orElseThrow())),
        engine.routingStatistics().map(after -> after.since(routedBefore.orElseThrow())),
        engine.layerStatistics());
    use.ifPresent(report::used);
    if (json()) {
      print(report.json());
    } else {
      console().out().println();
      console().out().flush();
      console().err().println(report.line());
    }
  }

  private void writeOne(
      DecoderModel model,
      RunReport report,
      int[] ids,
      Sampling sampling,
      Optional<Tokenizer> tokenizer)
      throws OrtException {
    StringBuilder text = new StringBuilder();
    try (Progress progress = Progress.start(progressConsole(), "run", maxTokens)) {
      Optional<TextStream> stream = tokenizer.map(t -> t.stream(ids));
      IntConsumer listener =
          id -> {
            progress.step();
            begin();
            append(text, stream.map(s -> s.push(id)).orElse(id + " "));
          };
      Generation generation = new Generator(model).generate(ids, maxTokens, sampling, listener);
      begin();
      append(text, stream.map(TextStream::finish).orElse(""));
      report.wrote(generation, tokenizer.map(_ -> text.toString()));
    }
  }

  private void writeAll(
      SideBySide several, List<int[]> ids, RunReport report, Sampling sampling, Tokenizer tokenizer)
      throws OrtException {
    try (Progress progress =
        Progress.start(progressConsole(), "run", (long) maxTokens * prompts.texts().size())) {
      long start = System.nanoTime();
      several.write(
          maxTokens,
          sampling,
          progress::step,
          (index, written) -> {
            String prompt = prompts.texts().get(index);
            String text = tokenizer.continuation(ids.get(index), written.ids());
            report.wrote(prompt, text, written);
            if (!json()) {
              console()
                  .out()
                  .printf(
                      "%s== %d of %d ==%n%s%s%n",
                      index == 0 ? "" : "\n", index + 1, prompts.texts().size(), prompt, text);
            }
          });
      report.took(System.nanoTime() - start);
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
    if (!begun && !json() && !prompts.areIds()) {
      console().out().print(prompts.texts().getFirst());
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
}
