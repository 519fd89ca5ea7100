package dev.warmgate.generate;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A decoder model in a session: which inputs it has, and what each step must feed and fetch.
 *
 * <p>Shapes, with B sequences, S new tokens, P past tokens: {@code input_ids} and {@code
 * position_ids} [B,S], {@code attention_mask} [B,P+S], {@code past_key_values} [B,heads,P,head
 * size], {@code present} [B,heads,P+S,head size], {@code logits} [B,S,vocabulary] or
 * [B,1,vocabulary].
 */
public final class DecoderModel implements AutoCloseable {
  private final GenAiConfig config;
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final Bindings bindings;

  /**
   * A cache tensor's way from one step to the next.
   *
   * @param past the input
   * @param present the output that becomes that input
   * @param type of its elements
   * @param heads of the layer
   * @param headSize elements of one head
   */
  record CacheSlot(String past, String present, OnnxJavaType type, long heads, long headSize) {

    /** The shape of so many sequences with so many tokens. */
    long[] shape(int rows, int tokens) {
      return new long[] {rows, heads, tokens, headSize};
    }

    /** What a token takes in a head. */
    long tokenBytes() {
      return headSize * type.size;
    }
  }

  /**
   * What a step feeds and fetches.
   *
   * @param ids the input of token ids
   * @param mask the attention mask, if the model has one
   * @param positions the position ids, if the model has them
   * @param cache the key-value cache
   * @param logits the output of logits
   * @param openBatch whether the model leaves the first dimension of all of these open
   */
  record Bindings(
      Feed ids,
      Optional<Feed> mask,
      Optional<Feed> positions,
      List<CacheSlot> cache,
      Logits logits,
      boolean openBatch) {

    Set<String> presents() {
      Set<String> names = new LinkedHashSet<>();
      cache.forEach(slot -> names.add(slot.present));
      return names;
    }
  }

  /** An input of whole numbers. */
  record Feed(String name, OnnxJavaType type) {}

  /**
   * The output of logits.
   *
   * @param width of a position's: at least the vocabulary's size, and what is beyond is padding
   * @param lastOnly whether the model gives those of the last position alone
   * @param rank of the tensor, 2 or 3
   */
  record Logits(String name, OnnxJavaType type, int width, boolean lastOnly, int rank) {}

  private DecoderModel(
      GenAiConfig config, OrtEnvironment environment, OrtSession session, Bindings bindings) {
    this.config = config;
    this.environment = environment;
    this.session = session;
    this.bindings = bindings;
  }

  /**
   * Opens the model of a folder.
   *
   * @param directory with {@code genai_config.json} and the files that it names
   * @param setup prepares the session's options; it is where an execution provider is added
   * @throws IOException if a file is missing, or the configuration doesn't fit the model; the
   *     message names the file and the reason
   * @throws OrtException if ONNX Runtime can't create the session
   */
  public static DecoderModel open(OrtEnvironment environment, Path directory, SessionSetup setup)
      throws IOException, OrtException {
    GenAiConfig config = GenAiConfig.read(directory);
    OrtSession session;
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      setup.apply(options);
      session = environment.createSession(config.model().toString(), options);
    }
    try {
      return new DecoderModel(config, environment, session, bind(config, session));
    } catch (IOException | OrtException | RuntimeException e) {
      session.close();
      throw e;
    }
  }

  private static Bindings bind(GenAiConfig config, OrtSession session)
      throws IOException, OrtException {
    Map<String, TensorInfo> inputs = tensors(session.getInputInfo());
    Map<String, TensorInfo> outputs = tensors(session.getOutputInfo());
    GenAiConfig.Names names = config.names();
    List<CacheSlot> cache = new ArrayList<>();
    for (int layer = 0; layer < config.layers(); layer++) {
      slot(config, inputs, outputs, names.pastKey(), names.presentKey(), layer)
          .ifPresent(cache::add);
      slot(config, inputs, outputs, names.pastValue(), names.presentValue(), layer)
          .ifPresent(cache::add);
    }
    Bindings bindings =
        new Bindings(
            feed(config, inputs, names.inputIds())
                .orElseThrow(() -> missing(config, "input", names.inputIds())),
            feed(config, inputs, names.attentionMask()),
            feed(config, inputs, names.positionIds()),
            List.copyOf(cache),
            logits(config, outputs),
            Stream.concat(inputs.values().stream(), outputs.values().stream())
                .allMatch(info -> info.getShape().length > 0 && info.getShape()[0] < 0));
    Set<String> unknown = new TreeSet<>(session.getInputNames());
    unknown.remove(bindings.ids.name);
    bindings.mask.ifPresent(feed -> unknown.remove(feed.name));
    bindings.positions.ifPresent(feed -> unknown.remove(feed.name));
    cache.forEach(slot -> unknown.remove(slot.past));
    if (!unknown.isEmpty()) {
      throw new IOException(
          config.model()
              + ": has inputs that "
              + GenAiConfig.FILE_NAME
              + " doesn't describe: "
              + String.join(", ", unknown));
    }
    return bindings;
  }

  /** Tensors only: what is not a tensor stays an unknown input. */
  private static Map<String, TensorInfo> tensors(Map<String, NodeInfo> nodes) {
    Map<String, TensorInfo> tensors = new LinkedHashMap<>();
    nodes.forEach(
        (name, node) -> {
          if (node.getInfo() instanceof TensorInfo tensor) {
            tensors.put(name, tensor);
          }
        });
    return tensors;
  }

  private static Optional<Feed> feed(
      GenAiConfig config, Map<String, TensorInfo> inputs, String name) throws IOException {
    TensorInfo info = inputs.get(name);
    if (info == null) {
      return Optional.empty();
    }
    if (info.type != OnnxJavaType.INT64 && info.type != OnnxJavaType.INT32) {
      throw new IOException(
          config.model() + ": input " + name + " is " + info.type + ", not INT64 or INT32");
    }
    return Optional.of(new Feed(name, info.type));
  }

  private static Optional<CacheSlot> slot(
      GenAiConfig config,
      Map<String, TensorInfo> inputs,
      Map<String, TensorInfo> outputs,
      String pastPattern,
      String presentPattern,
      int layer)
      throws IOException {
    String past = GenAiConfig.Names.of(pastPattern, layer);
    String present = GenAiConfig.Names.of(presentPattern, layer);
    TensorInfo info = inputs.get(past);
    if (info == null) {
      return Optional.empty();
    }
    if (!outputs.containsKey(present)) {
      throw missing(config, "output", present);
    }
    boolean floats =
        info.type == OnnxJavaType.FLOAT
            || info.type == OnnxJavaType.FLOAT16
            || info.type == OnnxJavaType.BFLOAT16;
    long[] declared = info.getShape();
    if (!floats || declared.length != 4) {
      throw new IOException(
          config.model()
              + ": input "
              + past
              + " is "
              + info.type
              + " of "
              + declared.length
              + " dimensions; a key-value cache of 4 in FLOAT, FLOAT16 or BFLOAT16 is supported");
    }
    long heads = declared[1] > 0 ? declared[1] : config.keyValueHeads();
    long size = declared[3] > 0 ? declared[3] : config.headSize();
    return Optional.of(new CacheSlot(past, present, info.type, heads, size));
  }

  private static Logits logits(GenAiConfig config, Map<String, TensorInfo> outputs)
      throws IOException {
    String name = config.names().logits();
    TensorInfo info = outputs.get(name);
    if (info == null) {
      throw missing(config, "output", name);
    }
    long[] shape = info.getShape();
    if ((info.type != OnnxJavaType.FLOAT && info.type != OnnxJavaType.FLOAT16)
        || shape.length < 2
        || shape.length > 3) {
      throw new IOException(
          "%s: output %s is %s of %d dimensions; FLOAT or FLOAT16 of 2 or 3 is supported"
              .formatted(config.model(), name, info.type, shape.length));
    }
    long last = shape[shape.length - 1];
    if (last > 0 && last < config.vocabularySize()) {
      throw new IOException(
          "%s: output %s has %d logits, but %s says vocab_size %d"
              .formatted(
                  config.model(), name, last, GenAiConfig.FILE_NAME, config.vocabularySize()));
    }
    int width = last > 0 ? Math.toIntExact(last) : config.vocabularySize();
    boolean lastOnly = shape.length == 2 || shape[1] == 1;
    return new Logits(name, info.type, width, lastOnly, shape.length);
  }

  private static IOException missing(GenAiConfig config, String kind, String name) {
    return new IOException(
        config.model()
            + ": has no "
            + kind
            + " "
            + name
            + ", which "
            + GenAiConfig.FILE_NAME
            + " names");
  }

  /** What the model's configuration says. */
  public GenAiConfig config() {
    return config;
  }

  /**
   * Starts a sequence.
   *
   * @param capacity the most tokens that it will hold, at most the context length
   */
  public DecoderState start(int capacity) throws OrtException {
    checkCapacity(capacity);
    return new DecoderState(this, capacity);
  }

  void checkCapacity(int capacity) {
    if (capacity < 1 || capacity > config.contextLength()) {
      throw new IllegalArgumentException(
          "a sequence of %d tokens doesn't fit the model's context of %d"
              .formatted(capacity, config.contextLength()));
    }
  }

  /**
   * Whether tokens may be appended to a sequence.
   *
   * @throws IllegalArgumentException with the reason, if not
   */
  void checkTokens(int[] tokens, int length, int capacity) {
    if (tokens.length == 0) {
      throw new IllegalArgumentException("no tokens to append");
    }
    if (tokens.length > capacity - length) {
      throw new IllegalArgumentException(
          "%d tokens after %d are more than the sequence's %d"
              .formatted(tokens.length, length, capacity));
    }
    int vocabulary = config.vocabularySize();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "token id %d is outside the vocabulary of %d".formatted(token, vocabulary));
      }
    }
  }

  OrtEnvironment environment() {
    return environment;
  }

  OrtSession session() {
    return session;
  }

  Bindings bindings() {
    return bindings;
  }

  /** Closes the session; every sequence must have been closed before. */
  @Override
  public void close() throws OrtException {
    session.close();
  }
}
