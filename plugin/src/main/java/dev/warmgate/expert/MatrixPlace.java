package dev.warmgate.expert;

import dev.warmgate.kernels.WeightFormat;
import dev.warmgate.residency.FileRegion;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Where one matrix of all experts is stored, part by part.
 *
 * @param weights {@code [E, rows, columns]}
 * @param scales of quantised weights
 * @param zeroPoints of quantised weights, if they are not all in the middle
 * @param bias {@code [E, rows]}
 */
public record MatrixPlace(
    FileRegion weights,
    Optional<FileRegion> scales,
    Optional<FileRegion> zeroPoints,
    Optional<FileRegion> bias) {

  /** A matrix that isn't quantised. */
  public static MatrixPlace real(FileRegion weights, Optional<FileRegion> bias) {
    return new MatrixPlace(weights, Optional.empty(), Optional.empty(), bias);
  }

  /** The parts that there are, in the order in which they stand in a slot. */
  Stream<FileRegion> parts() {
    return Stream.of(Optional.of(weights), scales, zeroPoints, bias).flatMap(Optional::stream);
  }

  /**
   * @throws IllegalArgumentException in one line that names layer and part, if a part's bytes are
   *     not what the format says
   */
  void check(
      String layer, String matrix, WeightFormat format, int experts, long rows, long columns) {
    require(layer, matrix, weights, experts * format.weightBytes(rows, columns));
    long scaleBytes = experts * format.scaleBytes(rows, columns);
    if (scales.isPresent() != scaleBytes > 0) {
      throw new IllegalArgumentException(
          "%s: %s %s scales".formatted(layer, matrix, scaleBytes > 0 ? "has no" : "can't have"));
    }
    scales.ifPresent(region -> require(layer, matrix + " scales", region, scaleBytes));
    long zeroBytes = experts * format.zeroPointBytes(rows, columns);
    zeroPoints.ifPresent(region -> require(layer, matrix + " zero points", region, zeroBytes));
    long biasBytes = experts * format.biasBytes(rows);
    bias.ifPresent(region -> require(layer, matrix + " bias", region, biasBytes));
  }

  private static void require(String layer, String part, FileRegion region, long bytes) {
    if (region.length() != bytes) {
      throw new IllegalArgumentException(
          "%s: %s has %d bytes in %s, not %d"
              .formatted(layer, part, region.length(), region.file(), bytes));
    }
  }
}
