package dev.warmgate.residency;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/**
 * Real files behind a fault: each read goes through {@link Fault}, which may fail, shorten, corrupt
 * or delay it.
 */
final class FaultySource implements ByteSource {
  private final Path path;
  private final ByteSource file;
  private final Fault fault;

  /** What happens instead of a read. */
  @FunctionalInterface
  interface Fault {
    /** Reads from {@code file}, or doesn't. */
    int read(ByteSource file, Path path, ByteBuffer target, long position) throws IOException;

    /** Every read gives at most so many bytes. */
    static Fault shortReads(int most) {
      return (file, path, target, position) -> {
        int limit = target.limit();
        target.limit(Math.min(limit, target.position() + most));
        try {
          return file.read(target, position);
        } finally {
          target.limit(limit);
        }
      };
    }

    /** Every read that covers a byte of the file gets it with a bit flipped. */
    static Fault flipped(long offset) {
      return (file, path, target, position) -> {
        int start = target.position();
        int read = file.read(target, position);
        if (offset >= position && offset < position + read) {
          int at = start + (int) (offset - position);
          target.put(at, (byte) (target.get(at) ^ 0x10));
        }
        return read;
      };
    }
  }

  private FaultySource(Path path, ByteSource file, Fault fault) {
    this.path = path;
    this.file = file;
    this.fault = fault;
  }

  /** Waits, whoever interrupts. */
  static void await(CountDownLatch latch) {
    boolean interrupted = false;
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** Opens real files behind {@code fault}. */
  static ByteSource.Opener opener(Fault fault) {
    return (path, options) ->
        new FaultySource(path, ByteSource.Opener.FILES.open(path, options), fault);
  }

  @Override
  public int read(ByteBuffer target, long position) throws IOException {
    return fault.read(file, path, target, position);
  }

  @Override
  public long size() throws IOException {
    return file.size();
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
