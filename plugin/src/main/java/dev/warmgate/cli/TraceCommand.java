package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import dev.warmgate.expert.LayerSpec;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.expert.RoutingTap;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.GenAiConfig;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.routing.Selection;
import dev.warmgate.simulate.Trace;
import dev.warmgate.simulate.TraceRecorder;
import dev.warmgate.simulate.TraceWriter;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Records which experts a model selects while it writes. */
@Command(
    name = "trace",
    mixinStandardHelpOptions = true,
    description = "Records a routing trace while a decoder model writes on from prompts.")
final class TraceCommand extends WarmgateCommand {
  private static final List<String> DEFAULT_PROMPTS = List.of("In the beginning");

  @Parameters(
      paramLabel = "MODEL_DIR",
      description = "The folder with genai_config.json, the ONNX file and tokenizer.json.")
  private Path directory;

  @Option(
      names = "--out",
      paramLabel = "TRACE",
      required = true,
      description = "The trace's files, without suffix.")
  private Path out;

  @Option(names = "--logits", description = "Record the gates' logits, too.")
  private boolean logits;

  @ArgGroup(multiplicity = "0..1")
  private Prompts prompts = new Prompts();

  /** Texts, or ids. */
  static final class Prompts {
    @Option(
        names = "--prompt",
        paramLabel = "TEXT",
        description = "What to write on from; each one begins a sequence.")
    private List<String> texts = List.of();

    @Option(
        names = "--prompt-ids",
        paramLabel = "ID",
        split = ",",
        description = "The same as token ids: 1,2,3.")
    private int[] ids = {};
  }

  @Option(
      names = "--max-tokens",
      paramLabel = "N",
      defaultValue = "512",
      description = "The most tokens to write from each prompt (${DEFAULT-VALUE}).")
  private int maxTokens;

  @Option(
      names = "--temperature",
      paramLabel = "T",
      defaultValue = "1",
      description = "0 takes the likeliest token always (${DEFAULT-VALUE}).")
  private double temperature;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Equal seeds write equal texts.")
  private long seed;

  @Mixin private final EngineOptions options = new EngineOptions();

  TraceCommand(Console console) {
    super(console);
  }

  /** A prompt, and what its sequence is called. */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  private record Start(String name, int[] ids) {}

  @Override
  public Integer call() throws IOException, OrtException {
    Sampling sampling = new Sampling(temperature, 1, seed);
    if (maxTokens < 1) {
      throw new IllegalArgumentException("--max-tokens must be at least 1, not " + maxTokens);
    }
    GenAiConfig.read(directory); // before a tokenizer is missed in what isn't a model's folder
    List<Start> starts = starts();
    Trace trace;
    try (DecoderModel model = Engine.warmgate(options).openDecoder(directory)) {
      trace = record(model, starts, sampling);
    }
    TraceWriter.write(trace, out);
    Trace.Header header = trace.header();
    if (json()) {
      print(
          Json.object(
              "trace", out,
              "model", header.model(),
              "tokens", trace.tokens(),
              "layers", header.layers(),
              "experts", header.experts(),
              "top_k", header.topK(),
              "sequences", trace.sequences().size(),
              "logits", logits));
    } else {
      console()
          .out()
          .printf(
              "%s: %s, %s, top %d of %d%n",
              out,
              Texts.count(trace.tokens(), "token"),
              Texts.count(header.layers(), "layer"),
              header.topK(),
              header.experts());
    }
    return Main.DONE;
  }

  private List<Start> starts() throws IOException {
    if (prompts.ids.length > 0) {
      return List.of(new Start("ids", prompts.ids));
    }
    List<Start> starts = new ArrayList<>();
    try (Tokenizer tokenizer = TokenizerProvider.find(directory)) {
      for (String text : prompts.texts.isEmpty() ? DEFAULT_PROMPTS : prompts.texts) {
        starts.add(new Start(text, tokenizer.encode(text)));
      }
    }
    return starts;
  }

  private Trace record(DecoderModel model, List<Start> starts, Sampling sampling)
      throws IOException, OrtException {
    MoeModel experts = Engine.layers(directory);
    TraceRecorder recorder = new TraceRecorder(header(experts), logits);
    experts.tap(tap(recorder));
    try (Progress progress = Progress.start(console(), "trace", (long) maxTokens * starts.size())) {
      for (Start start : starts) {
        new Generator(model).generate(start.ids, maxTokens, sampling, _ -> progress.step());
        recorder.endSequence(start.name);
      }
    } finally {
      experts.tap(null);
    }
    return recorder.trace();
  }

  private Trace.Header header(MoeModel experts) throws IOException {
    LayerSpec first = experts.layer(0).spec();
    for (int layer = 1; layer < experts.layers(); layer++) {
      LayerSpec spec = experts.layer(layer).spec();
      if (spec.rule().experts() != first.rule().experts()
          || spec.rule().topK() != first.rule().topK()) {
        throw new IOException(
            "%s: %s and %s differ in experts or top k, which a trace has no room for"
                .formatted(directory, first.name(), spec.name()));
      }
    }
    String name = directory.toAbsolutePath().normalize().getFileName().toString();
    return new Trace.Header(name, experts.layers(), first.rule().experts(), first.rule().topK());
  }

  /** One generation runs at a time, so calls come one after another. */
  private RoutingTap tap(TraceRecorder recorder) {
    return (layer, gate, selection) -> {
      for (int token = 0; token < selection.tokens(); token++) {
        recorder.select(
            layer, experts(selection, token), logits ? row(gate, selection, token) : null);
      }
    };
  }

  private static int[] experts(Selection selection, int token) {
    int[] experts = new int[selection.topK()];
    for (int rank = 0; rank < experts.length; rank++) {
      experts[rank] = selection.expert(token * experts.length + rank);
      if (experts[rank] < 0) {
        throw new IllegalStateException("a token selects fewer experts than k");
      }
    }
    return experts;
  }

  private static float[] row(MemorySegment gate, Selection selection, int token) {
    int width = (int) (gate.byteSize() / Float.BYTES / selection.tokens());
    float[] row = new float[width];
    MemorySegment.copy(
        gate, ValueLayout.JAVA_FLOAT, (long) token * width * Float.BYTES, row, 0, width);
    return row;
  }
}
