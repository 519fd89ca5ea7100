package dev.warmgate.generate;

import dev.warmgate.onnx.DecoderSpec;
import dev.warmgate.onnx.DecoderSpec.Lengths;
import dev.warmgate.onnx.DecoderSpec.Names;
import dev.warmgate.onnx.ElementType;
import java.util.List;

/**
 * Models of GenAI's layout as different exporters write them; texts can be written side by side.
 */
final class LayoutVariants {
  private LayoutVariants() {}

  static List<DecoderSpec> all() {
    return List.of(
        usual(ElementType.FLOAT, false),
        usual(ElementType.FLOAT, true),
        usual(ElementType.FLOAT16, false),
        new DecoderSpec(
            ElementType.INT64, ElementType.FLOAT, true, 77, 2, 6, 3, Names.OTHER, Lengths.MASK),
        new DecoderSpec(
            ElementType.INT32,
            ElementType.FLOAT16,
            false,
            257,
            1,
            4,
            1,
            Names.OTHER,
            Lengths.MASK));
  }

  private static DecoderSpec usual(ElementType cache, boolean positions) {
    return new DecoderSpec(
        ElementType.INT64, cache, positions, 101, 3, 4, 2, Names.USUAL, Lengths.MASK);
  }
}
