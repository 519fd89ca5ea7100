package dev.warmgate.residency;

import dev.warmgate.residency.eviction.EvictionKind;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A cache of fewer slots than experts over a file in which every byte of an expert is its id. One
 * for the whole process: jcstress makes tests by the million.
 */
final class StressCache {
  static final int EXPERTS = 3;
  private static final int SLOTS = 1;
  private static final int EXPERT_BYTES = 512;
  private static final int LOOKS = 4;

  private static final ModelExperts.Place PLACE = open();

  private StressCache() {}

  private static ModelExperts.Place open() {
    try {
      Path file = Files.createTempFile("experts", ".bin");
      file.toFile().deleteOnExit();
      byte[] bytes = new byte[EXPERTS * EXPERT_BYTES];
      for (int i = 0; i < bytes.length; i++) {
        bytes[i] = (byte) (i / EXPERT_BYTES);
      }
      Files.write(file, bytes);
      var layer = new LayerStore("stress", EXPERTS, List.of(new FileRegion(file, 0, bytes.length)));
      var settings = new CacheSettings(1, EXPERT_BYTES, false, EvictionKind.LRU);
      return SharedExperts.join(
              List.of(layer),
              "stress",
              (_, _) -> (long) SLOTS * EXPERT_BYTES,
              settings,
              Optional.empty())
          .experts()
          .place(0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A set of leases for one thread. */
  static LeaseSet newLeaseSet() {
    return PLACE.cache().newLeaseSet();
  }

  /**
   * Leases experts one after the other, reading them if need be, and looks at each for a while.
   *
   * @return whether the slot held that expert all the time, and its bit was set
   */
  static boolean holdsStill(LeaseSet leases, int... experts) {
    boolean still = true;
    for (int expert : experts) {
      still &= holdsStill(leases, expert);
    }
    return still;
  }

  private static boolean holdsStill(LeaseSet leases, int expert) {
    int[] ready = new int[1];
    try {
      leases.begin(PLACE.index(), new int[] {expert}, 1);
      if (leases.next(ready) != 1) {
        return false;
      }
      MemorySegment slot = PLACE.cache().slot(leases.slot(0));
      boolean still = true;
      for (int look = 0; look < LOOKS; look++) {
        for (long i = 0; i < EXPERT_BYTES; i++) {
          still &= slot.get(ValueLayout.JAVA_BYTE, i) == expert;
        }
        still &= PLACE.cache().mask(PLACE.index()).contains(expert);
      }
      return still;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      leases.close();
    }
  }
}
