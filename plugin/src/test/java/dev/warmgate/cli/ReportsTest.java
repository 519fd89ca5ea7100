package dev.warmgate.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ai.onnxruntime.OnnxJavaType;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The small parts that reports are made of. */
class ReportsTest {
  @Test
  void json() {
    assertEquals(
        "{\"a\":1,\"b\":\"x<\\\"\",\"c\":null,\"d\":[1.5,null],\"e\":{\"k\":true},\"f\":null}",
        Json.text(
            Json.object(
                "a", 1,
                "b", "x<\"",
                "c", Optional.empty(),
                "d", List.of(1.5, Double.NaN),
                "e", Map.of("k", true),
                "f", OptionalLong.empty())));
  }

  @Test
  void tables() {
    assertEquals(
        "      a  bb\nwörd  1   2\n",
        TextTable.ofNumbers().row("", "a", "bb").row("wörd", "1", "2").toString());
    assertEquals("a    b\nccc\n", TextTable.ofText().row("a", "b").row("ccc", "").toString());
  }

  @Test
  void texts() {
    assertEquals("1023 B", Texts.bytes(1023));
    assertEquals("1.5 KiB", Texts.bytes(1536));
    assertEquals("1 token", Texts.count(1, "token"));
    assertEquals(
        "no such thing as this",
        Texts.oneLine("Error code - ORT_FAIL - message: no such\n  thing as this\n"));
  }

  @Test
  void peakMemory() {
    assertEquals(
        OptionalLong.of(2048 * 1024),
        ProcessMemory.peakBytes(List.of("VmPeak:\t  9 kB", "VmHWM:\t    2048 kB")));
    assertEquals(OptionalLong.empty(), ProcessMemory.peakBytes(List.of()));
  }

  @Test
  void everyTypeHoldsItsNumbers() {
    ByteBuffer buffer = ByteBuffer.allocate(64).order(ByteOrder.nativeOrder());
    for (OnnxJavaType type : OnnxJavaType.values()) {
      if (Elements.fixedSize(type)) {
        for (double value : new double[] {0, 1, 100}) {
          Elements.put(buffer, type, 1, value);
          assertEquals(value, Elements.get(buffer, type, 1), type.name());
        }
      }
    }
  }

  @Test
  void errorsAreRelativeToTheScale() {
    OutputError error = new OutputError();
    error.add(output(1, 2, 3.5f), output(1, 2, 4));
    assertEquals(0.5, error.maxAbsolute());
    assertEquals(0.125, error.maxRelative());
    assertEquals(Math.sqrt(0.25 / 3), error.rms(), 1e-15);
    assertTrue(error.within(0.125));
    assertFalse(error.within(0.124));
  }

  @Test
  void equalNansAreEqualAndOthersNot() {
    OutputError error = new OutputError();
    error.add(
        output(Float.NaN, Float.POSITIVE_INFINITY), output(Float.NaN, Float.POSITIVE_INFINITY));
    assertTrue(error.within(0));
    error.add(output(1, Float.NaN), output(Float.NaN, 1));
    assertEquals(2, error.mismatches());
    assertFalse(error.within(1));
    OutputError shapes = new OutputError();
    shapes.add(output(1), output(1, 2));
    assertFalse(shapes.within(1));
    OutputError nothing = new OutputError();
    nothing.add(output(1e-9f), output(0));
    assertFalse(nothing.within(1));
  }

  private static Outputs.Output output(float... values) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.nativeOrder());
    for (float value : values) {
      bytes.putFloat(value);
    }
    return new Outputs.Output(OnnxJavaType.FLOAT, List.of((long) values.length), bytes.flip());
  }

  @Test
  void fileNamesAreSafe(@TempDir Path directory) throws IOException {
    RawFiles files = new RawFiles(directory.resolve("a/b"));
    List<String> names =
        List.of("/model/x:0", "../../up", "..", "", "X", "x", "/model/x_0", "é".repeat(300));
    for (String name : names) {
      Path file = files.write(name, ByteBuffer.wrap(new byte[] {1, 2}));
      assertEquals(directory.resolve("a/b"), file.normalize().getParent(), name);
      assertEquals(2, Files.size(file), name);
    }
    try (var written = Files.list(directory.resolve("a/b"))) {
      assertEquals(names.size(), written.count());
    }
  }

  @Test
  void shapes() {
    assertArrayEquals(new long[] {1, 8}, RawFiles.shape("x", "1, 8"));
    assertArrayEquals(new long[0], RawFiles.shape("x", ""));
    for (String wrong : List.of("1,-1", "a", "1,,2", "1;2", "99999999999999999999")) {
      String message =
          assertThrows(IllegalArgumentException.class, () -> RawFiles.shape("x", wrong))
              .getMessage();
      assertTrue(message.contains("x=" + wrong), message);
    }
  }
}
