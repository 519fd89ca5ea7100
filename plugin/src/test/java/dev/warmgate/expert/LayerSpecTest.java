package dev.warmgate.expert;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.warmgate.kernels.Activation;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.RealType;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.routing.GateRule;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class LayerSpecTest {
  private static final Path FILE = Path.of("weights.bin");
  private static final long[] SIZES = {4 * 3 * 10 * 7, 4 * 3 * 10, 4 * 3 * 7 * 5, 4 * 3 * 7};
  private static final String[] NAMES = {"fc1", "fc1 bias", "fc2", "fc2 bias"};

  private static LayerSpec spec(long... sizes) {
    return new LayerSpec(
        "/layers.3/moe",
        FfnShape.of(7, 5, Activation.SWIGLU_HALVES),
        GateRule.moe(3, 2, true),
        RealType.FP32,
        MatrixPlace.real(
            new FileRegion(FILE, 0, sizes[0]), Optional.of(new FileRegion(FILE, 0, sizes[1]))),
        MatrixPlace.real(
            new FileRegion(FILE, 0, sizes[2]), Optional.of(new FileRegion(FILE, 0, sizes[3]))));
  }

  @Test
  void bytesPerExpertAreThoseOfItsFourParts() {
    assertEquals(
        (SIZES[0] + SIZES[1] + SIZES[2] + SIZES[3]) / 3, spec(SIZES).store().expertBytes());
  }

  @Test
  void aTensorOfTheWrongSizeIsNamed() {
    for (int i = 0; i < 4; i++) {
      long[] sizes = SIZES.clone();
      sizes[i] += 4;
      var e = assertThrows(IllegalArgumentException.class, () -> spec(sizes));
      assertEquals(
          "/layers.3/moe: %s has %d bytes in weights.bin, not %d"
              .formatted(NAMES[i], SIZES[i] + 4, SIZES[i]),
          e.getMessage());
    }
  }
}
