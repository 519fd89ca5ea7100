package dev.warmgate.simulate;

import dev.warmgate.simulate.Trace.Header;
import dev.warmgate.simulate.Trace.Sequence;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Records a trace, sequence by sequence. Within one, layers may report many tokens or one at a
 * time, as long as each layer's come in order.
 */
public final class TraceRecorder {
  private final Header header;
  private final boolean withLogits;
  private final List<Sequence> sequences = new ArrayList<>();
  private final List<byte[]> ids = new ArrayList<>();
  private final List<byte[]> logits = new ArrayList<>();

  /** Per layer: what it has reported of this sequence, token by token. */
  private final List<List<int[]>> selections = new ArrayList<>();

  private final List<List<float[]>> scores = new ArrayList<>();
  private long tokens;

  /**
   * Records nothing yet.
   *
   * @param withLogits whether logits are reported, too
   */
  public TraceRecorder(Header header, boolean withLogits) {
    this.header = header;
    this.withLogits = withLogits;
    for (int layer = 0; layer < header.layers(); layer++) {
      selections.add(new ArrayList<>());
      scores.add(new ArrayList<>());
    }
  }

  /**
   * Takes a layer's selection for its next token.
   *
   * @param experts k distinct ids, highest score first; kept
   * @param gate a logit for each expert, kept; null if there are none
   */
  public void select(int layer, int[] experts, float[] gate) {
    if (experts.length != header.topK() || withLogits != (gate != null)) {
      throw new IllegalArgumentException("not a selection for this trace");
    }
    selections.get(layer).add(experts);
    if (gate != null) {
      scores.get(layer).add(gate);
    }
  }

  /**
   * Ends a sequence.
   *
   * @throws IllegalStateException if it has no tokens, or a layer reported more than another
   */
  public void endSequence(String name) {
    int count = selections.getFirst().size();
    if (count == 0 || selections.stream().anyMatch(layer -> layer.size() != count)) {
      throw new IllegalStateException("the layers did not all report the same tokens");
    }
    for (int token = 0; token < count; token++) {
      ids.add(ids(token));
      if (withLogits) {
        logits.add(logits(token));
      }
    }
    sequences.add(new Sequence(name, tokens, count));
    tokens += count;
    selections.forEach(List::clear);
    scores.forEach(List::clear);
  }

  /** Tokens of the sequences that have ended. */
  public long tokens() {
    return tokens;
  }

  /** What was recorded, without the sequence that has not ended. */
  public Trace trace() {
    return new Trace(
        header,
        List.copyOf(sequences),
        joined(ids),
        withLogits ? Optional.of(joined(logits)) : Optional.empty());
  }

  private byte[] ids(int token) {
    byte[] all = new byte[Math.toIntExact(header.tokenBytes())];
    ByteBuffer bytes = littleEndian(all);
    for (List<int[]> layer : selections) {
      for (int expert : layer.get(token)) {
        if (header.idBytes() == 1) {
          bytes.put((byte) expert);
        } else {
          bytes.putShort((short) expert);
        }
      }
    }
    return all;
  }

  private byte[] logits(int token) {
    byte[] all = new byte[Math.toIntExact(header.logitBytes())];
    ByteBuffer bytes = littleEndian(all);
    for (List<float[]> layer : scores) {
      for (float logit : layer.get(token)) {
        bytes.putShort(Float.floatToFloat16(logit));
      }
    }
    return all;
  }

  private static ByteBuffer littleEndian(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static MemorySegment joined(List<byte[]> parts) {
    byte[] all = new byte[Math.toIntExact(parts.stream().mapToLong(part -> part.length).sum())];
    ByteBuffer bytes = ByteBuffer.wrap(all);
    parts.forEach(bytes::put);
    return MemorySegment.ofArray(all);
  }
}
