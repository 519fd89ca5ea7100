package dev.warmgate.residency;

import java.util.List;

/**
 * Where the experts of one layer are stored: one region a tensor, each holding all experts one
 * after another.
 *
 * @param name of the layer's node in the model, for messages
 * @param experts how many there are
 * @param tensors the regions, in the order in which an expert's parts stand in its slot; absent
 *     tensors are left out
 */
public record LayerStore(String name, int experts, List<FileRegion> tensors) {

  /**
   * @throws IllegalArgumentException if there is no expert, or a region can't be split among them
   */
  public LayerStore {
    tensors = List.copyOf(tensors);
    if (experts < 1) {
      throw new IllegalArgumentException(name + ": a layer needs at least one expert");
    }
    for (FileRegion tensor : tensors) {
      if (tensor.length() == 0 || tensor.length() % experts != 0) {
        throw new IllegalArgumentException(
            "%s: %d bytes at offset %d of %s can't hold %d experts"
                .formatted(name, tensor.length(), tensor.offset(), tensor.file(), experts));
      }
    }
  }

  /** Bytes of one expert, and of the slot that holds it. */
  public long expertBytes() {
    return bytes() / experts;
  }

  /** Bytes of all experts. */
  public long bytes() {
    return tensors.stream().mapToLong(FileRegion::length).sum();
  }

  /** Bytes of one expert in each tensor. */
  List<Long> partBytes() {
    return tensors.stream().map(tensor -> tensor.length() / experts).toList();
  }
}
