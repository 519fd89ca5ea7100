package dev.warmgate.hwdetect.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.warmgate.hwdetect.CapturedMachine;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NodeReaderTest {

  @TempDir Path folder;

  @Test
  void twoSockets() {
    OptionalLong free = OptionalLong.of(5242880L << 10);
    assertEquals(
        List.of(
            new NodeReader.Node(0, List.of(0, 2, 4, 6), OptionalLong.of(32823296L << 10), free),
            new NodeReader.Node(1, List.of(1, 3, 5, 7), OptionalLong.of(33055048L << 10), free)),
        NodeReader.read(CapturedMachine.unpack("x86-no-avx2-server", folder).files()));
  }

  @Test
  void aNodeWithoutMeminfo() {
    assertEquals(
        List.of(
            new NodeReader.Node(
                0, List.of(0, 1, 2, 3, 4, 5, 6, 7), OptionalLong.empty(), OptionalLong.empty())),
        NodeReader.read(CapturedMachine.unpack("x86-avx2-workstation", folder).files()));
  }

  @Test
  void noNodes() {
    assertEquals(List.of(), NodeReader.read(CapturedMachine.unpack("malformed", folder).files()));
  }
}
