package dev.warmgate.generate;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import dev.warmgate.generate.DecoderModel.Feed;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * An input [rows, columns] of whole numbers, written anew for each step.
 *
 * <p>Safe because a tensor over the memory is closed before the next one is made.
 */
final class NumberFeed implements AutoCloseable {
  private final Feed feed;
  private final Scratch scratch = new Scratch();
  private MemorySegment memory = MemorySegment.NULL;
  private long[] shape = {0, 0};

  NumberFeed(Feed feed) {
    this.feed = feed;
  }

  String name() {
    return feed.name();
  }

  /** Begins a step; what is in the input is anything. */
  void resize(int rows, int columns) {
    shape = new long[] {rows, columns};
    memory = scratch.of((long) rows * columns * feed.type().size);
  }

  void set(int row, int column, int value) {
    long index = row * shape[1] + column;
    if (feed.type() == OnnxJavaType.INT64) {
      memory.setAtIndex(ValueLayout.JAVA_LONG, index, value);
    } else {
      memory.setAtIndex(ValueLayout.JAVA_INT, index, value);
    }
  }

  /** The input as it is now; the caller closes it. */
  OnnxTensor tensor(OrtEnvironment environment) throws OrtException {
    long bytes = shape[0] * shape[1] * feed.type().size;
    return OnnxTensor.createTensor(
        environment,
        memory.asSlice(0, bytes).asByteBuffer().order(ByteOrder.nativeOrder()),
        shape,
        feed.type());
  }

  @Override
  public void close() {
    scratch.close();
  }
}
