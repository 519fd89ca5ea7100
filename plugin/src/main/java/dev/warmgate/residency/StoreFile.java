package dev.warmgate.residency;

import dev.warmgate.onnx.StoreOffset;
import dev.warmgate.residency.store.StoreException;
import dev.warmgate.residency.store.StoreHeader;
import dev.warmgate.residency.store.StoredLayer;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;

/**
 * The header of a store, and which of its layers a model means.
 *
 * @param path of the store
 * @param header as it is in the file
 * @param id of the store, computed once
 */
record StoreFile(Path path, StoreHeader header, long id) {

  /**
   * Reads the header.
   *
   * @throws IOException in one line that names the file, if it can't be read or is no sound store
   */
  static StoreFile read(Path path, ByteSource.Opener opener) throws IOException {
    try (ByteSource source = opener.open(path, Set.of(StandardOpenOption.READ))) {
      StoreHeader header = StoreHeader.read(path.toString(), source.size(), source::read);
      return new StoreFile(path, header, header.id());
    }
  }

  /**
   * The stored layer that a model's layer means.
   *
   * @param layer all of whose tensors are in this store
   * @throws StoreException in one line that names layer and file, if the store belongs to another
   *     model, or doesn't hold what the layer says
   */
  StoredLayer find(LayerStore layer) throws StoreException {
    List<FileRegion> tensors = layer.tensors();
    for (FileRegion tensor : tensors) {
      if (!StoreOffset.belongsTo(tensor.offset(), id)) {
        throw new StoreException(
            "%s: %s belongs to another model, or to another version of this one"
                .formatted(layer.name(), path));
      }
    }
    int wanted = StoreOffset.tensor(tensors.getFirst().offset());
    StoredLayer stored =
        header
            .find(wanted)
            .filter(found -> found.part() == 0)
            .map(StoreHeader.Part::layer)
            .orElseThrow(() -> mismatch(layer, "no layer that begins with tensor " + wanted));
    requireSame(layer, stored, wanted);
    return stored;
  }

  private void requireSame(LayerStore layer, StoredLayer stored, int first) throws StoreException {
    if (stored.experts() != layer.experts() || !stored.partBytes().equals(layer.partBytes())) {
      throw mismatch(
          layer,
          "%d experts of %s bytes, not %d of %s"
              .formatted(stored.experts(), stored.partBytes(), layer.experts(), layer.partBytes()));
    }
    for (int i = 0; i < layer.tensors().size(); i++) {
      if (StoreOffset.tensor(layer.tensors().get(i).offset()) != first + i) {
        throw mismatch(layer, "its tensors in another order");
      }
    }
  }

  private StoreException mismatch(LayerStore layer, String has) {
    return new StoreException(
        "%s: %s doesn't fit the model: it has %s".formatted(layer.name(), path, has));
  }
}
