package dev.warmgate.kernels;

import static java.lang.String.format;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReference;

/**
 * All about a layer's routing that stays the same call after call, and the running range Δ of its
 * logits, which {@link RoutePolicy#CACHE_PRIOR} learns as it goes.
 *
 * <p>Any number of threads may route by one plan. They learn Δ together without waiting for one
 * another; {@link SharedRange} says how far Δ may then be from a serial order's. Closing while a
 * route runs is an error of the caller.
 */
public final class RoutePlan implements AutoCloseable {
  /** Most experts of a plan. */
  public static final int MAX_EXPERTS = 1 << 20;

  /** Most candidates that the native tiers can be asked for: {@code MOST} in select.h. */
  private static final int MOST_LISTED = 48;

  private final int experts;
  private final int topK;
  private final Denominator over;
  private final Ties ties;
  private final RoutePolicy policy;
  private final int keepTop;
  private final int maxRank;
  private final float rangeRate;
  private final NativeMemory.Block block;
  private final SharedRange range;
  private final long address;
  private final boolean listed;
  private boolean open = true;
  private final AtomicReference<ScalarRoute> idle = new AtomicReference<>();

  /**
   * A plan.
   *
   * @param experts E, 1..{@link #MAX_EXPERTS}
   * @param topK k, 1..E
   * @param over what the weights' softmax sums over
   * @param ties which of two equal logits goes first
   * @param policy how residents are preferred
   * @param keepTop how many of the best logits are always kept, 0..k; for {@code CACHE_PRIOR} and
   *     {@code MAX_RANK}
   * @param maxRank how many of the best logits a resident expert may come from, ≥ 1; for {@code
   *     MAX_RANK}
   * @param rangeRate share of a token's range that goes into Δ, 0..1; for {@code CACHE_PRIOR}
   */
  public RoutePlan(
      int experts,
      int topK,
      Denominator over,
      Ties ties,
      RoutePolicy policy,
      int keepTop,
      int maxRank,
      float rangeRate) {
    if (experts < 1 || experts > MAX_EXPERTS) {
      throw new IllegalArgumentException(
          format("experts is %d, must be in 1..%d", experts, MAX_EXPERTS));
    }
    if (topK < 1 || topK > experts) {
      throw new IllegalArgumentException(format("topK is %d, must be in 1..%d", topK, experts));
    }
    if (keepTop < 0 || keepTop > topK) {
      throw new IllegalArgumentException(format("keepTop is %d, must be in 0..%d", keepTop, topK));
    }
    if (maxRank < 1) {
      throw new IllegalArgumentException(format("maxRank is %d, must be at least 1", maxRank));
    }
    if (!(rangeRate >= 0 && rangeRate <= 1)) {
      throw new IllegalArgumentException(format("rangeRate is %s, must be in 0..1", rangeRate));
    }
    this.experts = experts;
    this.topK = topK;
    this.over = over;
    this.ties = ties;
    this.policy = policy;
    this.keepTop = keepTop;
    this.maxRank = Math.min(maxRank, experts);
    this.rangeRate = rangeRate;
    listed =
        switch (policy) {
              case LOSSLESS -> topK;
              case ADDITIVE, CACHE_PRIOR -> 2L * topK;
              case MAX_RANK -> Math.max(topK, this.maxRank);
            }
            <= MOST_LISTED;
    // Only this policy writes: threads by other ones share a struct.
    int stripes = policy == RoutePolicy.CACHE_PRIOR ? SharedRange.STRIPES : 1;
    block = NativeMemory.allocate((stripes + 1) * SharedRange.STRIDE);
    address = block.memory().address();
    range = new SharedRange(block.memory(), stripes);
    for (int i = 0; i < stripes; i++) {
      fill(block.memory().asSlice(i * SharedRange.STRIDE, RouteLayout.SIZE), stripes);
    }
  }

  private void fill(MemorySegment struct, int stripes) {
    struct.set(JAVA_INT, RouteLayout.EXPERTS, experts);
    struct.set(JAVA_INT, RouteLayout.TOP_K, topK);
    struct.set(JAVA_INT, RouteLayout.ALL, over == Denominator.ALL ? 1 : 0);
    struct.set(JAVA_INT, RouteLayout.HIGHER_ID, ties == Ties.HIGHER_ID ? 1 : 0);
    struct.set(JAVA_INT, RouteLayout.POLICY, RouteLayout.code(policy));
    struct.set(JAVA_INT, RouteLayout.KEEP_TOP, keepTop);
    struct.set(JAVA_INT, RouteLayout.MAX_RANK, maxRank);
    struct.set(JAVA_FLOAT, RouteLayout.RANGE_RATE, rangeRate);
    struct.set(JAVA_LONG, RouteLayout.PUBLISHED, address + stripes * SharedRange.STRIDE);
  }

  /** E. */
  public int experts() {
    return experts;
  }

  /** k. */
  public int topK() {
    return topK;
  }

  /** How residents are preferred. */
  public RoutePolicy policy() {
    return policy;
  }

  /**
   * Δ now, as the calling thread has it; 0 until {@code CACHE_PRIOR} has seen logits that differ.
   */
  public float range() {
    return range.get();
  }

  /** Δ and how it learns, for the scalar tier. */
  SharedRange sharedRange() {
    return range;
  }

  Denominator over() {
    return over;
  }

  Ties ties() {
    return ties;
  }

  int keepTop() {
    return keepTop;
  }

  int maxRank() {
    return maxRank;
  }

  float rangeRate() {
    return rangeRate;
  }

  boolean isOpen() {
    return open;
  }

  /** Whether the native tiers' lists of candidates are long enough for it. */
  boolean isListed() {
    return listed;
  }

  /** Of the calling thread's struct; the plan must stay reachable while native code uses it. */
  long nativeAddress() {
    return address + range.offset();
  }

  /** Scratch of the scalar tier, for one thread, until it is given back. */
  ScalarRoute takeScalar() {
    ScalarRoute scratch = idle.getAndSet(null);
    return scratch == null ? new ScalarRoute(this) : scratch;
  }

  void giveBack(ScalarRoute scratch) {
    idle.set(scratch);
  }

  @Override
  public void close() {
    open = false;
    block.close();
  }
}
