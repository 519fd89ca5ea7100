package dev.warmgate.hwdetect;

import java.util.List;
import java.util.OptionalInt;

/**
 * How to read: how much at once, how many at once, around the page cache or through it.
 *
 * <p>A read blocks its thread, so as many reads are under way as there are threads.
 */
record IoChoice(
    int ioThreads, long slotAlignment, int readBytes, int queueDepth, boolean directIo) {

  /** A page: direct reads, huge pages and guard pages want at least this. */
  private static final int PAGE = 4096;

  /** A file system that asks for more is read through the page cache instead. */
  private static final int MAX_ALIGNMENT = 1 << 20;

  static IoChoice choose(Storage storage, OptionalInt requested, List<Decision> decisions) {
    boolean direct = direct(storage, decisions);
    long alignment = alignment(storage, direct, decisions);
    int readBytes = readBytes(storage, decisions);
    int ioThreads = ioThreads(storage, requested, decisions);
    decisions.add(
        new Decision(
            "queue_depth",
            Integer.toString(ioThreads),
            "a read blocks its thread, so one read a thread is under way"));
    return new IoChoice(ioThreads, alignment, readBytes, ioThreads, direct);
  }

  /** Memory that reads under way take besides the slots. */
  long bufferBytes() {
    return (long) readBytes * queueDepth;
  }

  private static boolean direct(Storage storage, List<Decision> decisions) {
    DirectIo probe = storage.directIo();
    boolean direct = false;
    String reason;
    if (!probe.works()) {
      reason = probe.reason();
    } else if (storage.kind() == StorageKind.MEMORY) {
      reason = storage.fileSystem() + " is memory already";
    } else if (!usable(probe.alignmentBytes())) {
      reason = "it wants an alignment of " + probe.alignmentBytes() + " bytes";
    } else {
      direct = true;
      reason =
          "keeps experts out of the page cache, which would hold them twice; " + probe.reason();
    }
    decisions.add(new Decision("direct_io", direct ? "on" : "off", reason));
    return direct;
  }

  private static long alignment(Storage storage, boolean direct, List<Decision> decisions) {
    int wanted = direct ? storage.directIo().alignmentBytes() : 0;
    int block =
        storage.device().map(BlockDevice::logicalBlockBytes).orElse(OptionalInt.empty()).orElse(0);
    int alignment = Math.max(PAGE, wanted);
    String reason = "a page";
    if (alignment > PAGE) {
      reason = "direct reads of " + storage.fileSystem() + " want it";
    }
    if (usable(block) && block > alignment) {
      alignment = block;
      reason = "the block size of " + storage.device().map(BlockDevice::name).orElse("the disk");
    }
    decisions.add(new Decision("slot_alignment_bytes", Integer.toString(alignment), reason));
    return alignment;
  }

  /** A power of two that is no larger than the smallest read. */
  private static boolean usable(int alignment) {
    return alignment > 0 && alignment <= MAX_ALIGNMENT && Integer.bitCount(alignment) == 1;
  }

  private static int readBytes(Storage storage, List<Decision> decisions) {
    int mib = storage.kind() == StorageKind.ROTATIONAL ? 4 : 1;
    String reason =
        switch (storage.kind()) {
          case ROTATIONAL -> "long enough that a seek costs less than the read";
          case MEMORY -> "small enough to spread a load over threads";
          case NVME, SSD, VIRTUAL, NETWORK, UNKNOWN ->
              "near full speed, and small enough to spread a load over threads";
        };
    int bytes = Math.toIntExact(mib * Bytes.MIB);
    decisions.add(new Decision("read_bytes", Integer.toString(bytes), reason));
    return bytes;
  }

  private static int ioThreads(Storage storage, OptionalInt requested, List<Decision> decisions) {
    if (requested.isPresent()) {
      int threads = Planner.checked("io_threads", requested.getAsInt());
      decisions.add(new Decision("io_threads", Integer.toString(threads), "option io_threads"));
      return threads;
    }
    int threads =
        switch (storage.kind()) {
          case NVME -> 8;
          case SSD, VIRTUAL, NETWORK, UNKNOWN -> 4;
          case MEMORY, ROTATIONAL -> 2;
        };
    String reason = storage.kind().id() + " storage (" + storage.kindReason() + ")";
    OptionalInt queue =
        storage.device().map(BlockDevice::queueRequests).orElse(OptionalInt.empty());
    if (queue.isPresent() && queue.getAsInt() >= 1 && queue.getAsInt() < threads) {
      threads = queue.getAsInt();
      reason += ", which queues no more";
    }
    decisions.add(new Decision("io_threads", Integer.toString(threads), reason));
    return threads;
  }
}
