package dev.warmgate.host.triton;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import com.google.gson.JsonObject;
import dev.warmgate.generate.Continuation;
import dev.warmgate.generate.DecoderModel;
import dev.warmgate.generate.Sampling;
import dev.warmgate.generate.Tokenizer;
import dev.warmgate.generate.TokenizerProvider;
import dev.warmgate.host.ort.WarmgateProvider;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/**
 * Text in, text out. Sequences take turns, one step each, on as many threads as there are
 * processors: a long text doesn't keep a short one waiting, and a new one begins at once. Each has
 * its own key-value cache; they share the experts, and a read that one waits for serves all.
 */
final class GenerationModel implements ServedModel {
  private final String name;
  private final int maxSequences;
  private final DecoderModel model;
  private final Tokenizer tokenizer;
  private final ExecutorService turns;

  /** Those that wait until another has ended. Guarded by itself, as is {@code active}. */
  private final Deque<TextSequence> waiting = new ArrayDeque<>();

  private int active;

  private GenerationModel(ModelSettings settings, DecoderModel model, Tokenizer tokenizer) {
    name = settings.name();
    maxSequences = settings.maxSequences();
    this.model = model;
    this.tokenizer = tokenizer;
    turns =
        Executors.newFixedThreadPool(
            Math.min(maxSequences, Runtime.getRuntime().availableProcessors()),
            Thread.ofPlatform().daemon().name("warmgate-" + name + "-", 0).factory());
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
      return new GenerationModel(settings, model, tokenizer);
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
    try (Continuation text =
        new Continuation(model, prompt.length == 0 ? new int[1] : prompt, 2, Sampling.GREEDY)) {
      text.next();
      text.next();
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
      } catch (RuntimeException e) {
        // Those before it were taken over: this one alone is refused.
        Response.to(request).fail(EntryPoints.explain("execute", e));
        Request.release(request);
        continue;
      }
      synchronized (waiting) {
        if (active == maxSequences) {
          waiting.add(sequence);
          continue;
        }
        active++;
      }
      turn(sequence);
    }
  }

  /** Queues a sequence's next step behind those of the others. */
  private void turn(TextSequence sequence) {
    turns.execute(
        () -> {
          boolean goesOn = false;
          try {
            goesOn = sequence.step(model, tokenizer);
          } finally {
            // Whatever went wrong, others have their turn, and the model can be closed.
            if (goesOn) {
              turn(sequence);
            } else {
              next();
            }
          }
        });
  }

  /** One has ended: another may begin. */
  private void next() {
    TextSequence sequence;
    synchronized (waiting) {
      sequence = waiting.poll();
      if (sequence == null) {
        active--;
        waiting.notifyAll();
        return;
      }
    }
    turn(sequence);
  }

  /**
   * Triton closes a model when all of its requests are released; their last steps may still run.
   */
  @Override
  public void close() {
    synchronized (waiting) {
      boolean interrupted = false;
      while (active > 0) {
        try {
          waiting.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
    turns.shutdown();
    tokenizer.close();
    try {
      model.close();
    } catch (OrtException e) {
      throw new IllegalStateException("model '%s': %s".formatted(name, e.getMessage()), e);
    }
  }
}
