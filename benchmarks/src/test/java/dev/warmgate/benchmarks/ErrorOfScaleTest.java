package dev.warmgate.benchmarks;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.OptionalDouble;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ErrorOfScaleTest {
  @TempDir Path folder;

  private OptionalDouble between(float[] reference, float[] actual) throws IOException {
    return ErrorOfScale.between(write("reference", reference), write("actual", actual));
  }

  private Path write(String name, float... values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.nativeOrder());
    bytes.asFloatBuffer().put(values);
    return Files.write(folder.resolve(name), bytes.array());
  }

  @Test
  void theLargestDifferenceIsOverTheLargestMagnitudeOfTheReference() throws IOException {
    float[] reference = {1, -8, 3};
    assertEquals(OptionalDouble.of(0), between(reference, reference));
    assertEquals(OptionalDouble.of(0.25), between(reference, new float[] {0.5f, -8, 5}));
    assertEquals(OptionalDouble.of(2), between(reference, new float[] {1, 8, 3}));
  }

  @Test
  void outputsOfOtherLengthsOrNoneCannotBeCompared() throws IOException {
    float[] two = {1, 2};
    float[] none = {};
    assertEquals(OptionalDouble.empty(), between(two, new float[] {1}));
    assertEquals(OptionalDouble.empty(), between(two, new float[] {1, 2, 3}));
    assertEquals(OptionalDouble.empty(), between(two, none));
    assertEquals(OptionalDouble.empty(), between(none, two));
    assertEquals(OptionalDouble.empty(), between(none, none));
  }

  @Test
  void noErrorIsClaimedWhereAValueIsNoneOrTheScaleIsNothing() throws IOException {
    float[] values = {1, 2};
    float[] broken = {Float.NaN, 2};
    float[] zeros = {0, 0};
    assertTrue(Double.isNaN(between(values, broken).orElseThrow()));
    assertTrue(Double.isNaN(between(broken, values).orElseThrow()));
    assertTrue(Double.isNaN(between(zeros, zeros).orElseThrow()));
  }
}
