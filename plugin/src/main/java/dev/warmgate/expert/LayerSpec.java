package dev.warmgate.expert;

import dev.warmgate.kernels.FfnShape;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.routing.GateRule;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is known of an MoE layer when a session is made. All weights are fp32.
 *
 * @param name of the node in the model
 * @param shape of every expert
 * @param rule how the operator selects
 * @param fc1 {@code [E, rows1, H]}
 * @param bias1 {@code [E, rows1]}
 * @param fc2 {@code [E, H, I]}
 * @param bias2 {@code [E, H]}
 */
public record LayerSpec(
    String name,
    FfnShape shape,
    GateRule rule,
    FileRegion fc1,
    Optional<FileRegion> bias1,
    FileRegion fc2,
    Optional<FileRegion> bias2) {

  /**
   * @throws IllegalArgumentException in one line that names layer and tensor, if a tensor's bytes
   *     are not what the shape says
   */
  public LayerSpec {
    long rows = shape.rows1();
    require(name, "fc1", fc1, rule.experts() * rows * shape.hidden());
    bias1.ifPresent(region -> require(name, "fc1 bias", region, rule.experts() * rows));
    require(name, "fc2", fc2, (long) rule.experts() * shape.hidden() * shape.inner());
    bias2.ifPresent(
        region -> require(name, "fc2 bias", region, (long) rule.experts() * shape.hidden()));
  }

  /** Where the experts are, part by part in the order in which {@link SlotViews} finds them. */
  LayerStore store() {
    List<FileRegion> tensors =
        Stream.of(Optional.of(fc1), bias1, Optional.of(fc2), bias2)
            .flatMap(Optional::stream)
            .toList();
    return new LayerStore(name, rule.experts(), tensors);
  }

  private static void require(String name, String tensor, FileRegion region, long floats) {
    if (region.length() != floats * Float.BYTES) {
      throw new IllegalArgumentException(
          "%s: %s has %d bytes in %s, not %d"
              .formatted(name, tensor, region.length(), region.file(), floats * Float.BYTES));
    }
  }
}
