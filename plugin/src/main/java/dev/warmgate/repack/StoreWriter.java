package dev.warmgate.repack;

import dev.warmgate.onnx.ExpertTensor;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.TensorLocation.Addressable;
import dev.warmgate.residency.store.SourceFile;
import dev.warmgate.residency.store.StoreHeader;
import dev.warmgate.residency.store.StoredLayer;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** Writes the experts of a model's layers into a store. */
final class StoreWriter {
  private final List<MoeLayer> layers;
  private final StoreHeader plan;

  /**
   * Plans a store.
   *
   * @param graphChecksum of the {@code .onnx} file
   * @param sources all files that are read
   */
  StoreWriter(List<MoeLayer> layers, int graphChecksum, List<SourceFile> sources) {
    this.layers = layers;
    // The header's length doesn't depend on where layers lie, only on how many there are.
    var draft = new StoreHeader(0, graphChecksum, sources, plan(StoredLayer.ALIGNMENT));
    List<StoredLayer> planned = plan(StoredLayer.blocks(draft.encodedBytes()));
    this.plan = new StoreHeader(planned.getLast().end(), graphChecksum, sources, planned);
  }

  private List<StoredLayer> plan(long start) {
    List<StoredLayer> planned = new ArrayList<>();
    long offset = start;
    for (MoeLayer layer : layers) {
      List<Long> parts = layer.tensors().stream().map(ExpertTensor::stride).toList();
      planned.add(StoredLayer.plan(layer.name(), offset, parts, layer.experts()));
      offset = planned.getLast().end();
    }
    return planned;
  }

  /** Bytes of the whole file. */
  long fileBytes() {
    return plan.fileBytes();
  }

  /**
   * Writes experts, then the header: until then, nothing could take the file for a store.
   *
   * @param step told after each expert
   * @return the header
   */
  StoreHeader write(Copier copier, Sink sink, Runnable step) throws IOException {
    // The last expert's last block is read whole, as all others are; the expert may fill it, or
    // not.
    sink.write(ByteBuffer.allocate(1), plan.fileBytes() - 1);
    List<StoredLayer> written = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      MoeLayer layer = layers.get(i);
      StoredLayer place = plan.layers().get(i);
      List<Integer> checksums = new ArrayList<>();
      for (int expert = 0; expert < layer.experts(); expert++) {
        checksums.add(expert(copier, sink, layer, place, expert));
        step.run();
      }
      written.add(place.with(checksums));
    }
    var header = new StoreHeader(plan.fileBytes(), plan.graphChecksum(), plan.sources(), written);
    sink.write(header.encode(), 0);
    sink.force();
    return header;
  }

  private static int expert(Copier copier, Sink sink, MoeLayer layer, StoredLayer place, int expert)
      throws IOException {
    CRC32C crc = new CRC32C();
    long position = place.expertOffset(expert);
    for (ExpertTensor part : layer.tensors()) {
      // Layers whose weights are anywhere else are not chosen.
      Addressable from = (Addressable) part.tensor().location();
      long offset = from.offset() + expert * part.stride();
      copier.copy(from.file(), offset, part.stride(), sink, position, crc);
      position += part.stride();
    }
    return (int) crc.getValue();
  }
}
