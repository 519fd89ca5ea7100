package dev.warmgate.simulate;

import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.residency.eviction.EvictionPolicy;
import dev.warmgate.residency.eviction.Sharing;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;

/**
 * A policy that can be simulated: one of a cache, or Belady's, which knows the future.
 *
 * @param id its name
 * @param sharing of slots that it is used with
 * @param policy makes it, for a trace
 */
public record PolicyChoice(String id, Sharing sharing, Function<Trace, EvictionPolicy> policy) {
  private static final String BELADY = "belady";
  private static final long SEED = 1;

  /** The names of all policies. */
  public static List<String> ids() {
    List<String> ids = new ArrayList<>();
    for (EvictionKind kind : EvictionKind.values()) {
      ids.add(kind.id());
    }
    ids.add(BELADY);
    return ids;
  }

  /**
   * A policy by its name, with the sharing that it ships with.
   *
   * @throws IllegalArgumentException if there is none of that name
   */
  public static PolicyChoice of(String id) {
    if (id.equals(BELADY)) {
      return new PolicyChoice(id, Sharing.EQUAL, Belady::new);
    }
    for (EvictionKind kind : EvictionKind.values()) {
      if (kind.id().equals(id)) {
        return new PolicyChoice(id, kind.sharing(), trace -> kind.create(sizes(trace), SEED));
      }
    }
    throw new IllegalArgumentException(
        "policy '%s' is not one of %s".formatted(id, String.join(", ", ids())));
  }

  /** The same with another sharing. */
  public PolicyChoice with(Sharing other) {
    return new PolicyChoice(id, other, policy);
  }

  /** Whether it knows the future, and what it would evict for a guess means nothing. */
  public boolean clairvoyant() {
    return id.equals(BELADY);
  }

  private static int[] sizes(Trace trace) {
    int[] sizes = new int[trace.header().layers()];
    Arrays.fill(sizes, trace.header().experts());
    return sizes;
  }
}
