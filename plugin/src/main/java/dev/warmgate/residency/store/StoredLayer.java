package dev.warmgate.residency.store;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The experts of one layer in a store.
 *
 * @param name of the layer's node in the model, without control characters
 * @param offset of the first expert, at a whole block
 * @param pitch from one expert to the next, in whole blocks
 * @param partBytes bytes of one expert in each tensor, in the order in which they lie, one right
 *     after another as in a slot
 * @param checksums CRC-32C of each expert, all its parts together
 */
public record StoredLayer(
    String name, long offset, long pitch, List<Long> partBytes, List<Integer> checksums) {
  /** What offsets and pitches are multiples of; no block device has larger sectors. */
  public static final int ALIGNMENT = 4096;

  /**
   * @throws IllegalArgumentException if these are not the numbers of a layer, or overflow
   */
  public StoredLayer {
    name = name.replaceAll("\\p{Cntrl}", "?");
    partBytes = List.copyOf(partBytes);
    checksums = List.copyOf(checksums);
    require(!checksums.isEmpty(), name, "no experts");
    require(!partBytes.isEmpty(), name, "no parts");
    long bytes = 0;
    for (long part : partBytes) {
      require(part > 0, name, "a part of " + part + " bytes");
      bytes = add(name, bytes, part);
    }
    require(offset > 0 && offset % ALIGNMENT == 0, name, "offset " + offset);
    require(pitch >= bytes && pitch % ALIGNMENT == 0, name, "pitch " + pitch);
    require(pitch <= (Long.MAX_VALUE - offset) / checksums.size(), name, "pitch " + pitch);
  }

  private static long add(String name, long sum, long part) {
    require(sum <= Long.MAX_VALUE - part, name, "parts of too many bytes");
    return sum + part;
  }

  private static void require(boolean condition, String name, String what) {
    if (!condition) {
      throw new IllegalArgumentException("layer " + name + " has " + what);
    }
  }

  /** How many experts there are. */
  public int experts() {
    return checksums.size();
  }

  /** Bytes of one expert, without what fills the last block. */
  public long expertBytes() {
    return partBytes.stream().mapToLong(Long::longValue).sum();
  }

  /** Where an expert begins. */
  public long expertOffset(int expert) {
    return offset + expert * pitch;
  }

  /** The first byte after the last expert's last block. */
  public long end() {
    return expertOffset(experts());
  }

  /** A layer at that offset, its checksums not known yet. */
  public static StoredLayer plan(String name, long offset, List<Long> partBytes, int experts) {
    long bytes = partBytes.stream().mapToLong(Long::longValue).sum();
    List<Integer> none = IntStream.range(0, experts).mapToObj(_ -> 0).toList();
    return new StoredLayer(name, offset, blocks(bytes), partBytes, none);
  }

  /** The same with these checksums. */
  public StoredLayer with(List<Integer> newChecksums) {
    return new StoredLayer(name, offset, pitch, partBytes, newChecksums);
  }

  /** Rounds up to whole blocks. */
  public static long blocks(long bytes) {
    return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
  }
}
