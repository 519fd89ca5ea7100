package dev.warmgate.hwdetect;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * What {@code expert_memory=auto} means: what the tightest of the machine's free memory and all
 * limits leaves, less a reserve for everything else that still grows in this process.
 *
 * <p>The reserve is the sum of
 *
 * <ul>
 *   <li>what the Java heap may still grow by, at most half of what is left;
 *   <li>a tenth of what is left, at least 256 MiB: the JVM outside its heap, ONNX Runtime's
 *       activations and the weights that are not experts;
 *   <li>the buffers of the reads under way.
 * </ul>
 */
final class MemoryChoice {

  private static final long RUNTIME_RESERVE_MIN = 256 * Bytes.MIB;
  private static final int RUNTIME_RESERVE_DIVISOR = 10;

  private MemoryChoice() {}

  /** Something that bounds what can be allocated. */
  private record Bound(String title, long leftBytes) {}

  static long choose(
      Memory memory, Jvm jvm, long bufferBytes, long alignment, List<Decision> decisions) {
    List<Bound> bounds = bounds(memory);
    Optional<Bound> tightest = bounds.stream().min(Comparator.comparingLong(Bound::leftBytes));
    if (tightest.isEmpty()) {
      decisions.add(
          new Decision("expert_memory_bytes", "0", "neither memory nor a limit could be read"));
      return 0;
    }
    long left = tightest.get().leftBytes();
    long heap = Math.min(jvm.heapGrowthBytes(), left / 2);
    long runtime = Math.max(RUNTIME_RESERVE_MIN, left / RUNTIME_RESERVE_DIVISOR);
    long bytes = Math.max(0, left - heap - runtime - bufferBytes);
    bytes -= bytes % alignment;
    String reason =
        "%s left under %s, %s; kept back: %s for the Java heap, %s for ONNX Runtime and the JVM, %s for read buffers"
            .formatted(
                Bytes.text(left),
                tightest.get().title(),
                bounds.size() == 1
                    ? "the only bound"
                    : "the tightest of " + bounds.size() + " bounds",
                Bytes.text(heap),
                Bytes.text(runtime),
                Bytes.text(bufferBytes));
    decisions.add(new Decision("expert_memory_bytes", Long.toString(bytes), reason));
    return bytes;
  }

  private static List<Bound> bounds(Memory memory) {
    List<Bound> bounds = new ArrayList<>();
    if (memory.availableBytes().isPresent()) {
      bounds.add(new Bound("the machine's available memory", memory.availableBytes().getAsLong()));
    } else if (memory.totalBytes().isPresent()) {
      bounds.add(new Bound("the machine's memory", memory.totalBytes().getAsLong()));
    }
    for (MemoryLimit limit : memory.limits()) {
      String title =
          "%s (%s, %s in use)"
              .formatted(
                  limit.title(), Bytes.text(limit.limitBytes()), Bytes.text(limit.usedBytes()));
      bounds.add(new Bound(title, limit.availableBytes()));
    }
    return bounds.stream()
        .map(bound -> new Bound(bound.title(), Math.max(0, bound.leftBytes())))
        .toList();
  }
}
