package dev.warmgate.benchmarks;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;

/** How far an engine's outputs are from another's: both are files of raw fp32 values. */
public final class ErrorOfScale {
  private ErrorOfScale() {}

  /**
   * The largest difference, over the largest magnitude of the reference.
   *
   * @return empty if they can't be compared, since one has more values than the other, or neither
   *     has any; NaN if a value is none, or the whole reference is 0
   */
  public static OptionalDouble between(Path reference, Path actual) throws IOException {
    FloatBuffer expected = floats(reference);
    FloatBuffer values = floats(actual);
    if (!expected.hasRemaining() || expected.remaining() != values.remaining()) {
      return OptionalDouble.empty();
    }
    double scale = 0;
    double error = 0;
    while (expected.hasRemaining()) {
      float value = expected.get();
      scale = Math.max(scale, Math.abs(value));
      error = Math.max(error, Math.abs(value - values.get()));
    }
    return OptionalDouble.of(error / scale);
  }

  private static FloatBuffer floats(Path file) throws IOException {
    return ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }
}
