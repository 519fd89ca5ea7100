package dev.warmgate.host.triton;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import com.google.gson.JsonObject;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Generator;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.TextBatch;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.host.ort.WarmgateProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;

/**
 * Text in, text out. One thread writes all texts side by side, a token of each with every step;
 * texts come and go between steps, so that a long one doesn't keep a short one waiting. Each has
 * its own key-value cache; they share the experts, and an expert that several want is read once.
 */
final class GenerationModel implements ServedModel {
  private static final System.Logger LOG = System.getLogger(GenerationModel.class.getName());

  private final String name;
  private final int maxSequences;
  private final DecoderModel model;
  private final Tokenizer tokenizer;
  private final TextBatch batch;
  private final Thread writer;

  /** Those that haven't begun. Guarded by itself, as is {@code closed}. */
  private final Deque<TextSequence> waiting = new ArrayDeque<>();

  private boolean closed;

  private GenerationModel(ModelSettings settings, DecoderModel model, Tokenizer tokenizer) {
    name = settings.name();
    maxSequences = settings.maxSequences();
    this.model = model;
    this.tokenizer = tokenizer;
    batch = TextBatch.of(model);
    writer = Thread.ofPlatform().daemon().name("warmgate-" + name).start(this::write);
  }

  /**
   * Opens the model and its tokenizer.
   *
   * @throws IOException in one line, if a file is missing or can't be used
   */
  static GenerationModel open(ModelSettings settings, WarmgateProvider provider)
      throws IOException {
    if (settings.maxBatchSize() > 0) {
      throw TritonException.invalid(
          "model '%s': mode generate takes one text a request: leave max_batch_size out",
          settings.name());
    }
    Tokenizer tokenizer = TokenizerProvider.find(settings.folder());
    try {
      DecoderModel model =
          DecoderModel.open(
              OrtEnvironment.getEnvironment(),
              settings.folder(),
              session -> {
                session.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
                if (settings.threads().isPresent()) {
                  session.setIntraOpNumThreads(settings.threads().getAsInt());
                }
                provider.addTo(session, settings.options());
              });
      try {
        return new GenerationModel(settings, model, tokenizer);
      } catch (RuntimeException e) {
        model.close();
        throw e;
      }
    } catch (OrtException e) {
      tokenizer.close();
      throw new IOException("model '%s': %s".formatted(settings.name(), e.getMessage()), e);
    } catch (IOException | RuntimeException e) {
      tokenizer.close();
      throw e;
    }
  }

  @Override
  public Path file() {
    return model.config().model();
  }

  @Override
  public JsonObject complete(JsonObject config) {
    JsonObject complete = TextRequest.signature().complete(name, config);
    TextRequest.decouple(complete);
    return complete;
  }

  @Override
  public void warmUp() {
    int[] prompt = tokenizer.encode("a");
    try {
      new Generator(model)
          .generate(prompt.length == 0 ? new int[1] : prompt, 2, Sampling.GREEDY, _ -> {});
    } catch (OrtException e) {
      throw new IllegalStateException("model '%s': %s".formatted(name, e.getMessage()), e);
    }
  }

  @Override
  public void execute(long instance, long[] requests) {
    for (long request : requests) {
      TextSequence sequence;
      try {
        sequence = TextSequence.of(instance, Request.read(request));
      } catch (RuntimeException | Error e) {
        // Those before it were taken over: this one alone is refused.
        Response.to(request).fail(EntryPoints.explain("execute", e));
        Request.release(request);
        continue;
      }
      synchronized (waiting) {
        waiting.add(sequence);
        waiting.notifyAll();
      }
    }
  }

  /** Writes until the model is closed and all texts have ended. */
  private void write() {
    List<TextSequence> writing = new ArrayList<>();
    while (admit(writing)) {
      writing.removeIf(text -> !text.wanted(batch));
      try {
        batch.step();
      } catch (RuntimeException | Error e) {
        // None is foreseen. Who waits is told, and the next ones are served.
        writing.forEach(text -> text.fail(batch, e));
        writing.clear();
      }
      writing.removeIf(text -> !text.stepped(batch));
    }
  }

  /**
   * Lets those begin for whom there is room; waits while there is nothing to do.
   *
   * @return false if there never will be
   */
  private boolean admit(List<TextSequence> writing) {
    List<TextSequence> admitted = new ArrayList<>();
    synchronized (waiting) {
      while (writing.isEmpty() && waiting.isEmpty()) {
        if (closed) {
          return false;
        }
        try {
          waiting.wait();
        } catch (InterruptedException e) {
          LOG.log(System.Logger.Level.DEBUG, "nobody has a reason to interrupt this thread", e);
        }
      }
      // One that nobody waits for any more needs no room to be told so.
      for (Iterator<TextSequence> next = waiting.iterator(); next.hasNext(); ) {
        TextSequence text = next.next();
        if (writing.size() + admitted.size() < maxSequences || text.lapsed()) {
          next.remove();
          admitted.add(text);
        }
      }
    }
    for (TextSequence text : admitted) {
      if (text.begin(batch, tokenizer)) {
        writing.add(text);
      }
    }
    return true;
  }

  /** Triton closes a model when all of its requests are released; the last step may still run. */
  @Override
  public void close() {
    synchronized (waiting) {
      closed = true;
      waiting.notifyAll();
    }
    boolean interrupted = false;
    while (writer.isAlive()) {
      try {
        writer.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
    batch.close();
    tokenizer.close();
    try {
      model.close();
    } catch (OrtException e) {
      throw new IllegalStateException("model '%s': %s".formatted(name, e.getMessage()), e);
    }
  }
}
