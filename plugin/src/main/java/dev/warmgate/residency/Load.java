package dev.warmgate.residency;

import dev.warmgate.residency.ExpertStore.PartRead;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;

/**
 * One expert on its way into a slot: its reads, cut into chunks that several threads take.
 *
 * <p>Guarded by the pager's lock, save {@link Chunk#read} and {@link #verify}.
 */
final class Load {
  private final int slot;
  private final String what;
  private final MemorySegment target;
  private final List<PartRead> parts;
  private final long chunkBytes;
  private final Check check;
  private int nextPart;
  private long nextOffset;
  private int chunksOut;
  private IOException failure;

  /**
   * @param what names layer and expert, for messages
   * @param target the slot's memory
   * @param check what the bytes must pass when all of them are there
   */
  Load(
      int slot,
      String what,
      MemorySegment target,
      List<PartRead> parts,
      long chunkBytes,
      Check check) {
    this.slot = slot;
    this.what = what;
    this.target = target;
    this.parts = parts;
    this.chunkBytes = chunkBytes;
    this.check = check;
  }

  /** Says whether what was read is what was written. */
  interface Check {
    /**
     * Checks a slot that is complete.
     *
     * @throws IOException in one line that names file, layer and expert, if it isn't
     */
    void verify(MemorySegment target) throws IOException;
  }

  /**
   * A piece of a load.
   *
   * @param target the memory that it fills
   */
  record Chunk(Load load, ExpertFile file, long offset, MemorySegment target) {

    /**
     * Reads the piece; a failed read is tried once more.
     *
     * @return null, or why it failed
     */
    IOException read(MemorySegment bounce) {
      try {
        try {
          file.read(offset, target, bounce);
        } catch (IOException first) {
          file.read(offset, target, bounce);
        }
        return null;
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        return new IOException(
            "%s: reading %d bytes at offset %d of %s failed: %s"
                .formatted(load.what, target.byteSize(), offset, file.path(), e.getMessage()),
            e);
      }
    }
  }

  /** Checks what has arrived; called once, by the thread that brought the last chunk. */
  void verify() {
    if (failure == null) {
      try {
        check.verify(target);
      } catch (IOException | RuntimeException | OutOfMemoryError e) {
        failure = e instanceof IOException refused ? refused : new IOException(what + ": " + e, e);
      }
    }
  }

  int slot() {
    return slot;
  }

  /** Whether a chunk was given out. */
  boolean begun() {
    return nextPart > 0 || nextOffset > 0;
  }

  /** Whether every chunk has been given out; after a failure no more are. */
  boolean exhausted() {
    return nextPart == parts.size() || failure != null;
  }

  Chunk nextChunk() {
    PartRead part = parts.get(nextPart);
    long length = Math.min(chunkBytes, part.length() - nextOffset);
    Chunk chunk =
        new Chunk(
            this,
            part.file(),
            part.fileOffset() + nextOffset,
            target.asSlice(part.slotOffset() + nextOffset, length));
    nextOffset += length;
    if (nextOffset == part.length()) {
      nextPart++;
      nextOffset = 0;
    }
    chunksOut++;
    return chunk;
  }

  /**
   * Notes that a chunk came back.
   *
   * @return whether the load is over
   */
  boolean chunkDone(IOException chunkFailure) {
    chunksOut--;
    if (failure == null) {
      failure = chunkFailure;
    }
    return chunksOut == 0 && exhausted();
  }

  /** Why the load failed, or null. */
  IOException failure() {
    return failure;
  }
}
