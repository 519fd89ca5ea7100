package dev.warmgate.generate;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.generate.DecoderModel.Bindings;
import dev.warmgate.generate.DecoderModel.Logits;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Runs of a model over new tokens of one or several sequences: writes ids, mask and positions, and
 * fetches the logits of what follows the last token of each. For one thread at a time.
 *
 * <p>Sequences are rows. Their tokens lie at the left: a row that is shorter than others has zeros
 * in the mask at its end.
 */
final class ModelStep implements AutoCloseable {
  /**
   * The most bytes of logits of one run. A prompt whose logits would take more (only the last
   * position's are wanted, but most models give all) goes through the model in parts.
   */
  private static final long MAX_LOGITS_BYTES = 1 << 30;

  private final DecoderModel model;
  private final Bindings bindings;
  private final NumberFeed ids;
  private final Optional<NumberFeed> mask;
  private final Optional<NumberFeed> positions;
  private final Scratch scratch = new Scratch();

  /**
   * One sequence in a run.
   *
   * @param length tokens that are in its cache
   * @param logits is written: one for each id of the vocabulary
   */
  @SuppressWarnings("ArrayRecordComponent") // Never compared.
  record Row(int length, float[] logits) {}

  /**
   * What a run does with the caches.
   *
   * @param past the inputs
   * @param presents outputs that ONNX Runtime makes
   * @param pinned outputs that are written where these tensors are
   */
  record Caches(
      Map<String, OnnxTensor> past, Set<String> presents, Map<String, OnnxTensor> pinned) {}

  ModelStep(DecoderModel model) {
    this.model = model;
    bindings = model.bindings();
    ids = new NumberFeed(bindings.ids());
    mask = bindings.mask().map(NumberFeed::new);
    positions = bindings.positions().map(NumberFeed::new);
  }

  /** How many tokens of a sequence a run takes at most. */
  int partSize() {
    Logits logits = bindings.logits();
    return logits.lastOnly()
        ? Integer.MAX_VALUE
        : Math.clamp(MAX_LOGITS_BYTES / rowBytes(), 1, Integer.MAX_VALUE);
  }

  private long rowBytes() {
    return (long) bindings.logits().width() * bindings.logits().type().size;
  }

  /**
   * Runs the model.
   *
   * @param tokens {@code count} of each row, row by row
   * @return what the run made: the caller closes it
   */
  OrtSession.Result run(
      Row[] rows, int[] tokens, int count, Caches caches, OrtSession.RunOptions options)
      throws OrtException {
    write(rows, tokens, count);
    int positionsWithLogits = bindings.logits().lastOnly() ? 1 : count;
    long bytes = (long) rows.length * positionsWithLogits * rowBytes();
    // ORT writes the logits straight into this memory. It outlives the tensor over it, which is
    // closed first, and its size is the tensor's size. That of a prompt is too large to be kept.
    try (Arena once = Arena.ofConfined();
        Tensors tensors = new Tensors()) {
      MemorySegment memory =
          positionsWithLogits == 1 ? scratch.of(bytes) : once.allocate(bytes, Double.BYTES);
      Map<String, OnnxTensor> inputs = new HashMap<>(caches.past);
      feed(inputs, tensors, Optional.of(ids));
      feed(inputs, tensors, mask);
      feed(inputs, tensors, positions);
      Map<String, OnnxTensor> pinned = new HashMap<>(caches.pinned);
      pinned.put(
          bindings.logits().name(),
          tensors.add(target(memory.asSlice(0, bytes), rows.length, positionsWithLogits)));
      OrtSession.Result made = model.session().run(inputs, caches.presents, pinned, options);
      for (int row = 0; row < rows.length; row++) {
        long last = ((row + 1L) * positionsWithLogits - 1) * rowBytes();
        read(memory.asSlice(last, rowBytes()), rows[row].logits);
      }
      return made;
    }
  }

  private void write(Row[] rows, int[] tokens, int count) {
    int longest = 0;
    for (Row row : rows) {
      longest = Math.max(longest, row.length + count);
    }
    int total = longest;
    ids.resize(rows.length, count);
    mask.ifPresent(feed -> feed.resize(rows.length, total));
    positions.ifPresent(feed -> feed.resize(rows.length, count));
    for (int i = 0; i < rows.length; i++) {
      int row = i;
      int length = rows[row].length;
      for (int t = 0; t < count; t++) {
        int token = t;
        ids.set(row, token, tokens[row * count + token]);
        positions.ifPresent(feed -> feed.set(row, token, length + token));
      }
      mask.ifPresent(
          feed -> {
            for (int t = 0; t < total; t++) {
              feed.set(row, t, t < length + count ? 1 : 0);
            }
          });
    }
  }

  private void feed(Map<String, OnnxTensor> inputs, Tensors tensors, Optional<NumberFeed> feed)
      throws OrtException {
    if (feed.isPresent()) {
      inputs.put(feed.get().name(), tensors.add(feed.get().tensor(model.environment())));
    }
  }

  private OnnxTensor target(MemorySegment memory, int rows, int positionsWithLogits)
      throws OrtException {
    Logits logits = bindings.logits();
    return OnnxTensor.createTensor(
        model.environment(),
        memory.asByteBuffer().order(ByteOrder.nativeOrder()),
        logits.rank() == 2
            ? new long[] {rows, logits.width()}
            : new long[] {rows, positionsWithLogits, logits.width()},
        logits.type());
  }

  private void read(MemorySegment row, float[] logits) {
    if (bindings.logits().type() == OnnxJavaType.FLOAT) {
      MemorySegment.copy(row, ValueLayout.JAVA_FLOAT, 0, logits, 0, logits.length);
    } else {
      for (int id = 0; id < logits.length; id++) {
        logits[id] = Float.float16ToFloat(row.getAtIndex(ValueLayout.JAVA_SHORT, id));
      }
    }
  }

  @Override
  public void close() {
    ids.close();
    mask.ifPresent(NumberFeed::close);
    positions.ifPresent(NumberFeed::close);
    scratch.close();
  }
}
