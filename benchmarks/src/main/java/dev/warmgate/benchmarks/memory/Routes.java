package dev.warmgate.benchmarks.memory;

import java.io.BufferedOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What the gates are to say: for each token and layer all experts, best first. The first {@code
 * topK} are those that run.
 */
final class Routes {
  private final int layers;
  private final int experts;
  private final int topK;
  private final short[] order;

  /**
   * @param order token × layer × rank; taken over
   */
  Routes(int layers, int experts, int topK, short[] order) {
    if (layers < 1 || topK < 1 || topK > experts || order.length % (layers * experts) != 0) {
      throw new IllegalArgumentException(
          "%d ranks are not those of %d layers with %d of %d experts"
              .formatted(order.length, layers, topK, experts));
    }
    this.layers = layers;
    this.experts = experts;
    this.topK = topK;
    this.order = order;
  }

  int layers() {
    return layers;
  }

  int experts() {
    return experts;
  }

  /** How many experts of a layer run. */
  int topK() {
    return topK;
  }

  int tokens() {
    return order.length / (layers * experts);
  }

  /** The expert of a rank. */
  int expert(int token, int layer, int rank) {
    return Short.toUnsignedInt(order[(token * layers + layer) * experts + rank]);
  }

  /** Writes what {@link #load} reads. */
  void save(Path file) throws IOException {
    try (var out = new DataOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
      out.writeInt(layers);
      out.writeInt(experts);
      out.writeInt(topK);
      for (short expert : order) {
        out.writeShort(expert);
      }
    }
  }

  static Routes load(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file));
    int layers = bytes.getInt();
    int experts = bytes.getInt();
    int topK = bytes.getInt();
    short[] order = new short[bytes.remaining() / Short.BYTES];
    bytes.asShortBuffer().get(order);
    return new Routes(layers, experts, topK, order);
  }
}
