package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * Texts that are written side by side with one model: each step gives every one its next token.
 * They may be added and taken away between any two steps. For one thread at a time.
 *
 * <p>Where the model allows it, one run a step serves all texts; else each has a run of its own. A
 * new text's prompt always has. What goes wrong with one text ends that text alone.
 */
public final class TextBatch implements AutoCloseable {
  private final DecoderModel model;
  private final Optional<DecoderBatch> batch;

  /** Those that go on, in the order that they came. */
  private final List<Text> texts = new ArrayList<>();

  /** A text of the batch. */
  public static final class Text {
    private final Continuation continuation;
    private Optional<Sequence> sequence = Optional.empty();
    private OptionalInt token = OptionalInt.empty();
    private Optional<Throwable> failure = Optional.empty();

    private Text(Continuation continuation) {
      this.continuation = continuation;
    }

    /** What the last step wrote; empty if the text ended without. */
    public OptionalInt token() {
      return token;
    }

    /** Why the text has ended; empty while it goes on. */
    public Optional<Generation.Finish> finish() {
      return continuation.finish();
    }

    /** What ended the text instead. */
    public Optional<Throwable> failure() {
      return failure;
    }

    private boolean over() {
      return failure.isPresent() || finish().isPresent();
    }

    private void take(float[] logits) {
      try {
        token = continuation.take(logits);
      } catch (RuntimeException e) {
        fail(e);
      }
    }

    private void fail(Throwable e) {
      token = OptionalInt.empty();
      failure = Optional.of(e);
    }

    private Optional<BatchRow> row() {
      return sequence.map(s -> s instanceof BatchRow row ? row : null);
    }

    private void append() {
      append(continuation.last());
    }

    private void append(int... tokens) {
      try {
        take(sequence.orElseThrow().append(tokens));
      } catch (OrtException | RuntimeException | Error e) {
        fail(e);
      }
    }
  }

  private TextBatch(DecoderModel model, Optional<DecoderBatch> batch) {
    this.model = model;
    this.batch = batch;
  }

  /** Makes an empty batch; tries first whether the model can serve several texts by one run. */
  public static TextBatch of(DecoderModel model) {
    return new TextBatch(
        model,
        BatchProbe.passes(model) ? Optional.of(new DecoderBatch(model, null)) : Optional.empty());
  }

  /** Makes an empty batch in which every text has runs of its own. */
  static TextBatch inTurns(DecoderModel model) {
    return new TextBatch(model, Optional.empty());
  }

  /** Whether one run serves several texts. */
  public boolean together() {
    return batch.isPresent();
  }

  /** Whether no text goes on. */
  public boolean isEmpty() {
    return texts.isEmpty();
  }

  /**
   * Adds a text; the next step reads its prompt and writes its first token.
   *
   * @param prompt at least one id, fewer than the model's context length
   * @param maxTokens the most tokens to write, at least 1
   * @throws IllegalArgumentException if the prompt or the number makes no sense
   */
  public Text add(int[] prompt, int maxTokens, Sampling sampling) {
    Text text = new Text(new Continuation(model.config(), prompt, maxTokens, sampling));
    texts.add(text);
    return text;
  }

  /** Takes a text away, whether it has ended or not. */
  public void remove(Text text) {
    texts.remove(text);
    text.sequence.ifPresent(Sequence::close);
    text.sequence = Optional.empty();
  }

  /** Writes a token of each text. Those that end are taken away. */
  public void step() {
    List<Text> fresh = texts.stream().filter(text -> text.sequence.isEmpty()).toList();
    List<Text> inRows = texts.stream().filter(text -> text.row().isPresent()).toList();
    List<Text> alone =
        texts.stream().filter(text -> text.sequence.isPresent() && text.row().isEmpty()).toList();
    if (!inRows.isEmpty() && !advanceTogether(inRows)) {
      // One of them may be to blame: each is tried alone, and fails alone.
      inRows.forEach(Text::append);
    }
    alone.forEach(Text::append);
    fresh.forEach(this::begin);
    texts.stream().filter(Text::over).toList().forEach(this::remove);
  }

  /** Steps all rows by one run; false if that failed and none took a step. */
  private boolean advanceTogether(List<Text> inRows) {
    inRows.forEach(text -> text.row().orElseThrow().next(text.continuation.last()));
    try {
      batch.orElseThrow().step();
    } catch (OrtException | RuntimeException | Error e) {
      return false;
    }
    inRows.forEach(text -> text.take(text.row().orElseThrow().logits()));
    return true;
  }

  private void begin(Text text) {
    int capacity = text.continuation.capacity();
    try {
      text.sequence =
          Optional.of(
              batch.isPresent() && batch.get().hasRoom(capacity)
                  ? batch.get().start(capacity)
                  : model.start(capacity));
    } catch (OrtException | RuntimeException | Error e) {
      text.fail(e);
      return;
    }
    text.append(text.continuation.prompt());
  }

  /** Ends all texts. */
  @Override
  public void close() {
    texts.forEach(text -> text.sequence.ifPresent(Sequence::close));
    texts.clear();
    batch.ifPresent(DecoderBatch::close);
  }
}
