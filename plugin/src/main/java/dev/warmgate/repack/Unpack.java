package dev.warmgate.repack;

import dev.warmgate.onnx.Initializer;
import dev.warmgate.onnx.ModelCopy;
import dev.warmgate.onnx.ModelCopy.NewPlace;
import dev.warmgate.onnx.ModelException;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.StoreOffset;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.residency.store.StoreException;
import dev.warmgate.residency.store.StoreHeader;
import dev.warmgate.residency.store.StoredLayer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.zip.CRC32C;

/** Makes of a repacked model one that needs no store, for whoever can't read stores. */
public final class Unpack {
  private static final String DATA_SUFFIX = ".data";

  private final Copier copier;
  private final Sink data;
  private final String dataName;
  private final Map<Path, StoreHeader> stores = new HashMap<>();
  private final Set<StoredLayer> checked = new HashSet<>();
  private long dataBytes;

  private Unpack(Copier copier, Sink data, String dataName) {
    this.copier = copier;
    this.data = data;
    this.dataName = dataName;
  }

  /** Whether a model has tensors in a store. */
  public static boolean isNeeded(OnnxModel model) {
    return model.graph().initializers().values().stream()
        .anyMatch(tensor -> tensor.location() instanceof TensorLocation.Stored);
  }

  /**
   * Writes the model and one file of external data.
   *
   * @param folder an empty one
   * @return the model
   * @throws IOException in one line, if the model or its store can't be read or don't fit each
   *     other, an expert isn't what was stored, or writing fails
   */
  public static Path into(Path folder, Path model) throws IOException {
    String name = model.getFileName().toString();
    String dataName = name + DATA_SUFFIX;
    try (Copier copier = new Copier();
        Sink data = Sink.Opener.FILES.create(folder.resolve(dataName))) {
      var pieces = ModelCopy.of(model, new Unpack(copier, data, dataName)::place, Map.of());
      Path unpacked = folder.resolve(name);
      copier.write(model, pieces, unpacked, Sink.Opener.FILES);
      return unpacked;
    }
  }

  private Optional<NewPlace> place(Initializer tensor, boolean initializer) throws IOException {
    // For nothing, the next block may be beyond the file's end.
    long offset = tensor.bytes() == 0 ? dataBytes : StoredLayer.blocks(dataBytes);
    switch (tensor.location()) {
      case TensorLocation.External external ->
          copier.copy(
              external.file(), external.offset(), external.length(), data, offset, new CRC32C());
      case TensorLocation.Stored stored -> unpack(tensor.name(), stored, offset);
      default -> {
        return Optional.empty();
      }
    }
    dataBytes = offset + tensor.bytes();
    return Optional.of(new NewPlace(dataName, offset));
  }

  private void unpack(String name, TensorLocation.Stored tensor, long position) throws IOException {
    Path file = tensor.file();
    StoreHeader store = stores.get(file);
    if (store == null) {
      store = copier.header(file);
      stores.put(file, store);
    }
    if (!StoreOffset.belongsTo(tensor.offset(), store.id())) {
      throw new StoreException(file + ": belongs to another model, or to another version of this");
    }
    StoreHeader.Part place =
        store
            .find(StoreOffset.tensor(tensor.offset()))
            .orElseThrow(() -> new ModelException(file + ": has no tensor " + name));
    StoredLayer layer = place.layer();
    int part = place.part();
    long bytes = layer.partBytes().get(part);
    if (bytes * layer.experts() != tensor.length()) {
      throw new ModelException(file + ": tensor " + name + " has another size there");
    }
    if (checked.add(layer)) {
      check(file, layer);
    }
    long inExpert = layer.partBytes().subList(0, part).stream().mapToLong(Long::longValue).sum();
    for (int expert = 0; expert < layer.experts(); expert++) {
      long from = layer.expertOffset(expert) + inExpert;
      copier.copy(file, from, bytes, data, position + expert * bytes, new CRC32C());
    }
  }

  private void check(Path file, StoredLayer layer) throws IOException {
    Sink nowhere =
        new Sink() {
          @Override
          public void write(ByteBuffer bytes, long position) {}

          @Override
          public void force() {}

          @Override
          public void close() {}
        };
    for (int expert = 0; expert < layer.experts(); expert++) {
      CRC32C crc = new CRC32C();
      copier.copy(file, layer.expertOffset(expert), layer.expertBytes(), nowhere, 0, crc);
      if ((int) crc.getValue() != layer.checksums().get(expert)) {
        throw new StoreException(
            "%s, expert %d: checksum mismatch: what %s has at offset %d is not what was stored"
                .formatted(layer.name(), expert, file, layer.expertOffset(expert)));
      }
    }
  }
}
