package dev.warmgate.residency;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The experts of some layers on disk, open for reading.
 *
 * <p>Immutable but for its closing; reads may run side by side.
 */
final class ExpertStore implements AutoCloseable {
  private final List<LayerStore> layers;
  private final Map<Path, ExpertFile> files;

  private ExpertStore(List<LayerStore> layers, Map<Path, ExpertFile> files) {
    this.layers = layers;
    this.files = files;
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
    Map<Path, ExpertFile> files = new HashMap<>();
    ExpertStore store = new ExpertStore(List.copyOf(layers), files);
    try {
      for (LayerStore layer : layers) {
        for (FileRegion tensor : layer.tensors()) {
          ExpertFile file = files.get(tensor.file());
          if (file == null) {
            file = ExpertFile.open(tensor.file(), direct, opener);
            files.put(tensor.file(), file);
          }
          file.requireRegion(layer.name(), tensor);
        }
      }
    } catch (IOException | RuntimeException e) {
      store.close();
      throw e;
    }
    return store;
  }

  List<LayerStore> layers() {
    return layers;
  }

  /** The reads that bring one expert in, in the order of its parts in the slot. */
  List<PartRead> reads(int layer, int expert) {
    LayerStore store = layers.get(layer);
    List<PartRead> reads = new ArrayList<>(store.tensors().size());
    long slotOffset = 0;
    for (FileRegion tensor : store.tensors()) {
      FileRegion part = tensor.part(expert, store.experts());
      reads.add(new PartRead(files.get(tensor.file()), part.offset(), slotOffset, part.length()));
      slotOffset += part.length();
    }
    return reads;
  }

  /**
   * Checks what the reads have brought, if the store has checksums; otherwise does nothing.
   *
   * @param slot which holds the expert; only its first bytes are looked at, as many as the expert
   *     has
   * @throws IOException in one line that names file, layer and expert, if it isn't what was stored
   */
  void verify(int layer, int expert, MemorySegment slot) throws IOException {
    // The user's own files have no checksums.
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
