package dev.warmgate.generate;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.generate.DecoderModel.Bindings;
import dev.warmgate.generate.DecoderModel.CacheSlot;
import dev.warmgate.generate.DecoderModel.Feed;
import dev.warmgate.generate.DecoderModel.Logits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * One sequence: the tokens so far and their key-value cache. For one thread at a time.
 *
 * <p>Cache tensors are owned by the result of the step that made them, and live until the next step
 * has read them.
 */
public final class DecoderState implements AutoCloseable {
  /**
   * The most bytes of logits of one run. A prompt whose logits would take more (only the last
   * position's are wanted, but most models give all) goes through the model in parts.
   */
  private static final long MAX_LOGITS_BYTES = 1 << 30;

  private final DecoderModel model;
  private final Bindings bindings;
  private final int capacity;

  /** Owns the rows. Shared, so that a sequence may move from thread to thread. */
  private final Arena arena = Arena.ofShared();

  private final NumberRow ids;
  private final Optional<NumberRow> mask;
  private final Optional<NumberRow> positions;

  private final Map<String, OnnxTensor> cache = new HashMap<>();

  /** Closes the tensors of the cache. */
  private Runnable releaseCache;

  private final float[] lastLogits;
  private int length;
  private boolean closed;

  DecoderState(DecoderModel model, int capacity) throws OrtException {
    this.model = model;
    this.capacity = capacity;
    bindings = model.bindings();
    ids = new NumberRow(arena, bindings.ids().type(), capacity);
    mask = bindings.mask().map(feed -> new NumberRow(arena, feed.type(), capacity));
    positions = bindings.positions().map(feed -> new NumberRow(arena, feed.type(), capacity));
    for (int i = 0; i < capacity; i++) {
      int position = i;
      mask.ifPresent(row -> row.set(position, 1));
      positions.ifPresent(row -> row.set(position, position));
    }
    lastLogits = new float[bindings.logits().vocabulary()];
    Tensors empty = new Tensors();
    releaseCache = empty::close;
    try {
      for (CacheSlot slot : bindings.cache()) {
        cache.put(slot.past(), empty.add(emptyTensor(slot)));
      }
    } catch (OrtException | RuntimeException e) {
      close();
      throw e;
    }
  }

  private OnnxTensor emptyTensor(CacheSlot slot) throws OrtException {
    ByteBuffer nothing = ByteBuffer.allocateDirect(0).order(ByteOrder.nativeOrder());
    return OnnxTensor.createTensor(model.environment(), nothing, slot.emptyShape(), slot.type());
  }

  /** Tokens in the sequence. */
  public int length() {
    return length;
  }

  /**
   * Appends tokens and returns the logits of what follows the last of them.
   *
   * @param tokens at least one, ids of the vocabulary
   * @return one logit for each id of the vocabulary; the array is written again by the next call
   * @throws IllegalArgumentException if there is no token, too many, or one outside the vocabulary;
   *     nothing was appended then
   * @throws OrtException if the model can't be run; the sequence is as before the failed part
   */
  public float[] append(int... tokens) throws OrtException {
    if (closed) {
      throw new IllegalStateException("the sequence is closed");
    }
    if (tokens.length == 0) {
      throw new IllegalArgumentException("no tokens to append");
    }
    if (tokens.length > capacity - length) {
      throw new IllegalArgumentException(
          "%d tokens after %d are more than the sequence's %d"
              .formatted(tokens.length, length, capacity));
    }
    int vocabulary = model.config().vocabularySize();
    for (int token : tokens) {
      if (token < 0 || token >= vocabulary) {
        throw new IllegalArgumentException(
            "token id %d is outside the vocabulary of %d".formatted(token, vocabulary));
      }
    }
    for (int i = 0; i < tokens.length; i++) {
      ids.set(length + i, tokens[i]);
    }
    int part = partSize();
    for (int from = 0; from < tokens.length; from += part) {
      step(Math.min(part, tokens.length - from));
    }
    return lastLogits;
  }

  private int partSize() {
    Logits logits = bindings.logits();
    long row = (long) logits.vocabulary() * logits.type().size;
    return logits.lastOnly() ? capacity : Math.clamp(MAX_LOGITS_BYTES / row, 1, capacity);
  }

  /** Runs the model over the next tokens of the row of ids. */
  private void step(int count) throws OrtException {
    Logits logits = bindings.logits();
    int rows = logits.lastOnly() ? 1 : count;
    long rowBytes = (long) logits.vocabulary() * logits.type().size;
    // ORT writes the logits straight into this memory. It outlives the tensor over it, which is
    // closed first, and its size is the tensor's size.
    try (Arena stepArena = Arena.ofShared();
        Tensors tensors = new Tensors()) {
      MemorySegment memory = stepArena.allocate(rows * rowBytes, Double.BYTES);
      Map<String, OnnxTensor> inputs = new HashMap<>(cache);
      inputs.put(bindings.ids().name(), tensors.add(tensor(ids, length, count)));
      put(inputs, tensors, bindings.mask(), mask, 0, length + count);
      put(inputs, tensors, bindings.positions(), positions, length, count);
      OnnxTensor target =
          tensors.add(
              OnnxTensor.createTensor(
                  model.environment(),
                  memory.asByteBuffer().order(ByteOrder.nativeOrder()),
                  logits.rank() == 2
                      ? new long[] {1, logits.vocabulary()}
                      : new long[] {1, rows, logits.vocabulary()},
                  logits.type()));
      keep(model.session().run(inputs, bindings.presents(), Map.of(logits.name(), target)));
      length += count;
      copyLogits(memory.asSlice((rows - 1) * rowBytes, rowBytes));
    }
  }

  private OnnxTensor tensor(NumberRow row, int from, int count) throws OrtException {
    return row.tensor(model.environment(), from, count);
  }

  private void put(
      Map<String, OnnxTensor> inputs,
      Tensors tensors,
      Optional<Feed> feed,
      Optional<NumberRow> row,
      int from,
      int count)
      throws OrtException {
    if (feed.isPresent()) {
      inputs.put(feed.get().name(), tensors.add(tensor(row.orElseThrow(), from, count)));
    }
  }

  /** Makes a step's present tensors the next step's past, and lets go of the old past. */
  private void keep(OrtSession.Result result) {
    for (CacheSlot slot : bindings.cache()) {
      cache.put(slot.past(), (OnnxTensor) result.get(slot.present()).orElseThrow());
    }
    releaseCache.run();
    releaseCache = result::close;
  }

  private void copyLogits(MemorySegment row) {
    if (bindings.logits().type() == OnnxJavaType.FLOAT) {
      MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, lastLogits, 0, lastLogits.length);
    } else {
      for (int id = 0; id < lastLogits.length; id++) {
        lastLogits[id] = Float.float16ToFloat(row.getAtIndex(ValueLayout.JAVA_SHORT, id));
      }
    }
  }

  /** Lets go of the cache. */
  @Override
  public void close() {
    if (!closed) {
      closed = true;
      cache.clear();
      releaseCache.run();
      arena.close();
    }
  }

  /** Tensors that are closed together. */
  private static final class Tensors implements AutoCloseable {
    private final List<OnnxTensor> tensors = new ArrayList<>();

    OnnxTensor add(OnnxTensor tensor) {
      tensors.add(tensor);
      return tensor;
    }

    @Override
    public void close() {
      tensors.forEach(OnnxTensor::close);
    }
  }
}
