package dev.warmgate.residency;

import dev.warmgate.residency.ExpertStore.PartRead;
import dev.warmgate.residency.store.StoredLayer;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.zip.CRC32C;

/** The experts of one layer in files that are open. */
sealed interface LayerSource {

  /** The reads that bring one expert in, in the order of its parts in the slot. */
  List<PartRead> reads(int expert);

  /**
   * Checks what the reads brought.
   *
   * @throws IOException in one line, if it isn't what was stored
   */
  void verify(int expert, MemorySegment slot) throws IOException;

  /** Tensors as the model has them: one read a tensor, nothing to check against. */
  record Tensors(LayerStore layer, List<ExpertFile> files) implements LayerSource {
    @Override
    public List<PartRead> reads(int expert) {
      List<PartRead> reads = new ArrayList<>(files.size());
      long slotOffset = 0;
      for (int i = 0; i < files.size(); i++) {
        FileRegion part = layer.tensors().get(i).part(expert, layer.experts());
        reads.add(new PartRead(files.get(i), part.offset(), slotOffset, part.length()));
        slotOffset += part.length();
      }
      return reads;
    }

    @Override
    public void verify(int expert, MemorySegment slot) {
      // The user's own files have no checksums.
    }
  }

  /** Experts of a store: one read each, from a whole block on. */
  record Stored(StoredLayer layer, ExpertFile file) implements LayerSource {
    /** A buffer, which is what CRC-32C takes, has at most 2 GiB. */
    private static final long CHUNK_BYTES = 1 << 30;

    @Override
    public List<PartRead> reads(int expert) {
      return List.of(new PartRead(file, layer.expertOffset(expert), 0, layer.expertBytes()));
    }

    @Override
    public void verify(int expert, MemorySegment slot) throws IOException {
      CRC32C crc = new CRC32C();
      long bytes = layer.expertBytes();
      for (long done = 0; done < bytes; done += CHUNK_BYTES) {
        long length = Math.min(CHUNK_BYTES, bytes - done);
        // SAFETY: a view of memory that the caller owns during this call, cut to length.
        crc.update(slot.asSlice(done, length).asByteBuffer());
      }
      if ((int) crc.getValue() != layer.checksums().get(expert)) {
        throw new IOException(
            "%s, expert %d: checksum mismatch: what %s has at offset %d is not what was stored%s"
                .formatted(
                    layer.name(), expert, file.path(), layer.expertOffset(expert), file.changes()));
      }
    }
  }
}
