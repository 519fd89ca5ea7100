package dev.warmgate.simulate;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Optional;

/**
 * Which experts a model selected, token by token.
 *
 * @param header what it is a trace of
 * @param sequences texts, which cover all tokens
 * @param ids token × layer × rank, highest score first; u8, or u16 above 256 experts
 * @param logits of the gates, f16, token × layer × expert, if they were recorded
 */
public record Trace(
    Header header, List<Sequence> sequences, MemorySegment ids, Optional<MemorySegment> logits) {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * What a trace is of.
   *
   * @param model its name
   * @param layers with experts
   * @param experts of each layer
   * @param topK how many a token selects
   */
  public record Header(String model, int layers, int experts, int topK) {

    /** Bytes of an expert's id. */
    int idBytes() {
      return experts > 256 ? 2 : 1;
    }

    /** Bytes of a token's ids. */
    long tokenBytes() {
      return (long) layers * topK * idBytes();
    }

    /** Bytes of a token's logits. */
    long logitBytes() {
      return (long) layers * experts * Short.BYTES;
    }

    /** The suffix of the file with the ids. */
    String idSuffix() {
      return experts > 256 ? ".u16" : ".u8";
    }
  }

  /**
   * One text.
   *
   * @param offset its first token
   * @param tokens how many it has
   */
  public record Sequence(String name, long offset, long tokens) {
    long end() {
      return offset + tokens;
    }
  }

  /** How many tokens there are. */
  public long tokens() {
    return ids.byteSize() / header.tokenBytes();
  }

  /** The expert that a token selected. */
  public int expert(long token, int layer, int rank) {
    long position = (token * header.layers() + layer) * header.topK() + rank;
    return header.idBytes() == 1
        ? Byte.toUnsignedInt(ids.get(ValueLayout.JAVA_BYTE, position))
        : Short.toUnsignedInt(ids.get(SHORT, position * Short.BYTES));
  }

  /** The experts that a token selected, best first. */
  void experts(long token, int layer, int[] out) {
    for (int rank = 0; rank < header.topK(); rank++) {
      out[rank] = expert(token, layer, rank);
    }
  }

  /** A gate's logit for an expert; only of a trace with logits. */
  float logit(long token, int layer, int expert) {
    long position = (token * header.layers() + layer) * header.experts() + expert;
    return Float.float16ToFloat(logits.orElseThrow().get(SHORT, position * Short.BYTES));
  }
}
