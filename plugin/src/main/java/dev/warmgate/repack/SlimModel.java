package dev.warmgate.repack;

import dev.warmgate.onnx.Adaptation;
import dev.warmgate.onnx.ExpertTensor;
import dev.warmgate.onnx.ModelCopy;
import dev.warmgate.onnx.ModelCopy.NewPlace;
import dev.warmgate.onnx.ModelCopy.Piece;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.StoreOffset;
import dev.warmgate.onnx.TensorLocation;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;

/**
 * Writes the model without its experts: the {@code .onnx} file, and a file of the other tensors
 * that were external.
 */
final class SlimModel {
  /** Where other tensors lie, so that they can be mapped as they could before. */
  private static final int ALIGNMENT = 4096;

  private final Path model;
  private final Copier copier;
  private final Optional<Adaptation> adaptation;
  private final Map<String, NewPlace> experts = new HashMap<>();
  private final Map<TensorLocation, Long> moved = new HashMap<>();
  private long dataBytes;

  /**
   * @param model the original
   * @param layers that are in the store
   * @param storeName the store's file beside the slim model
   * @param storeId which its references to experts are made for
   */
  SlimModel(
      OnnxModel model,
      List<MoeLayer> layers,
      Form form,
      String storeName,
      long storeId,
      Copier copier) {
    this.model = model.path();
    this.copier = copier;
    this.adaptation =
        form == Form.ADAPTED
            ? Optional.of(new Adaptation(model.graph(), layers, storeName, storeId))
            : Optional.empty();
    int tensor = 0;
    for (MoeLayer layer : layers) {
      for (ExpertTensor part : layer.tensors()) {
        var stored = new NewPlace(storeName, StoreOffset.of(storeId, tensor++));
        experts.put(part.tensor().name(), form == Form.ADAPTED ? NewPlace.NONE : stored);
      }
    }
  }

  /**
   * Writes both files.
   *
   * @param folder where to
   * @param dataName of the file of other tensors; it isn't made if there are none
   * @return bytes of both
   */
  long write(Path folder, String dataName, Map<String, String> properties, Sink.Opener opener)
      throws IOException {
    List<Piece> pieces;
    Sink[] data = new Sink[1];
    try {
      pieces =
          ModelCopy.of(
              model,
              (tensor, initializer) -> {
                if (initializer && experts.containsKey(tensor.name())) {
                  return Optional.of(experts.get(tensor.name()));
                }
                if (!(tensor.location() instanceof TensorLocation.External external)) {
                  return Optional.empty();
                }
                if (data[0] == null) {
                  data[0] = opener.create(folder.resolve(dataName));
                }
                return Optional.of(new NewPlace(dataName, move(external, data[0])));
              },
              adaptation,
              properties);
      if (data[0] != null) {
        data[0].force();
      }
    } finally {
      if (data[0] != null) {
        data[0].close();
      }
    }
    return dataBytes + copier.write(model, pieces, folder.resolve(model.getFileName()), opener);
  }

  /** Copies a tensor, once for all that share its place; returns where it is. */
  private long move(TensorLocation.External from, Sink data) throws IOException {
    if (from.length() == 0) {
      return 0; // The next block may be beyond the file's end, which is no place even for nothing.
    }
    Long known = moved.get(from);
    if (known != null) {
      return known;
    }
    long offset = Math.ceilDiv(dataBytes, ALIGNMENT) * ALIGNMENT;
    copier.copy(from.file(), from.offset(), from.length(), data, offset, new CRC32C());
    dataBytes = offset + from.length();
    moved.put(from, offset);
    return offset;
  }
}
