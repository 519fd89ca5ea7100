package dev.warmgate.residency;

import dev.warmgate.onnx.StoreOffset;
import dev.warmgate.residency.store.StoreException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The experts of some layers on disk, open for reading: in the model's own files, or in a store
 * that was made of them.
 *
 * <p>Immutable but for its closing; reads may run side by side.
 */
final class ExpertStore implements AutoCloseable {
  private final boolean direct;
  private final ByteSource.Opener opener;
  private final List<LayerStore> layers;
  private final List<LayerSource> sources = new ArrayList<>();
  private final Map<Path, ExpertFile> files = new HashMap<>();
  private final Map<Path, StoreFile> stores = new HashMap<>();

  private ExpertStore(List<LayerStore> layers, boolean direct, ByteSource.Opener opener) {
    this.layers = List.copyOf(layers);
    this.direct = direct;
    this.opener = opener;
  }

  /**
   * Opens the files and checks that they hold what the layers say. No expert is read.
   *
   * @throws IOException in one line that names layer and file
   */
  static ExpertStore open(List<LayerStore> layers, boolean direct) throws IOException {
    return open(layers, direct, ByteSource.Opener.FILES);
  }

  /** The same, with files that {@code opener} opens. */
  static ExpertStore open(List<LayerStore> layers, boolean direct, ByteSource.Opener opener)
      throws IOException {
    ExpertStore store = new ExpertStore(layers, direct, opener);
    try {
      for (LayerStore layer : layers) {
        store.sources.add(store.source(layer));
      }
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
    return store;
  }

  private LayerSource source(LayerStore layer) throws IOException {
    List<FileRegion> tensors = layer.tensors();
    if (tensors.stream().noneMatch(tensor -> StoreOffset.isOne(tensor.offset()))) {
      List<ExpertFile> parts = new ArrayList<>(tensors.size());
      for (FileRegion tensor : tensors) {
        ExpertFile file = file(tensor.file());
        file.requireRegion(layer.name(), tensor);
        parts.add(file);
      }
      return new LayerSource.Tensors(layer, parts);
    }
    Path path = tensors.getFirst().file();
    if (!tensors.stream()
        .allMatch(tensor -> StoreOffset.isOne(tensor.offset()) && tensor.file().equals(path))) {
      throw new StoreException(layer.name() + ": only some of its tensors are in " + path);
    }
    StoreFile store = stores.get(path);
    if (store == null) {
      store = StoreFile.read(path, opener);
      stores.put(path, store);
    }
    return new LayerSource.Stored(store.find(layer), file(path));
  }

  private ExpertFile file(Path path) throws IOException {
    ExpertFile file = files.get(path);
    if (file == null) {
      file = ExpertFile.open(path, direct, opener);
      files.put(path, file);
    }
    return file;
  }

  List<LayerStore> layers() {
    return layers;
  }

  /** The reads that bring one expert in, in the order of its parts in the slot. */
  List<PartRead> reads(int layer, int expert) {
    return sources.get(layer).reads(expert);
  }

  /**
   * Checks what the reads have brought, if the layer is in a store, whose experts have checksums;
   * otherwise does nothing.
   *
   * @param slot which holds the expert; only its first bytes are looked at, as many as the expert
   *     has
   * @throws IOException in one line that names file, layer and expert, if it isn't what was stored
   */
  void verify(int layer, int expert, MemorySegment slot) throws IOException {
    sources.get(layer).verify(expert, slot);
  }

  /** Whether all files are read around the page cache. */
  boolean direct() {
    return files.values().stream().allMatch(ExpertFile::direct);
  }

  @Override
  public void close() {
    for (ExpertFile file : files.values()) {
      try {
        file.close();
      } catch (IOException e) {
        // Nothing was written, so nothing can be lost.
        System.getLogger(ExpertStore.class.getName())
            .log(System.Logger.Level.DEBUG, "closing " + file.path(), e);
      }
    }
  }

  /**
   * A read of one part of an expert.
   *
   * @param slotOffset where in the slot it goes
   */
  record PartRead(ExpertFile file, long fileOffset, long slotOffset, long length) {}
}
