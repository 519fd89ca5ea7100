package dev.warmgate.routing;

import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.kernels.RouteExtras;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * The expert ids chosen for the tokens of a call, with their combine weights, in native memory; and
 * how the choice relates to the gate's own and to what was resident.
 *
 * <p>Position {@code token·k + rank} is called an assignment. Grows to the largest call and is then
 * reused.
 */
public final class Selection implements AutoCloseable {
  private final int topK;
  private int capacity;
  private int tokens;
  private NativeMemory.Block block = NativeMemory.allocate(1);
  private MemorySegment ids = MemorySegment.NULL;
  private MemorySegment weights = MemorySegment.NULL;
  private MemorySegment displaced = MemorySegment.NULL;
  private MemorySegment kept = MemorySegment.NULL;
  private MemorySegment misses = MemorySegment.NULL;
  private RouteExtras extras = RouteExtras.NONE;

  /**
   * An empty selection.
   *
   * @param topK experts a token
   */
  public Selection(int topK) {
    this.topK = topK;
  }

  /** Makes room for a call. What was selected before is lost. */
  public void begin(int tokenCount) {
    if (tokenCount > capacity) {
      grow(tokenCount);
    }
    tokens = tokenCount;
  }

  /** How many tokens the call has. */
  public int tokens() {
    return tokens;
  }

  /** k: experts a token. */
  public int topK() {
    return topK;
  }

  /** How many assignments the call has. */
  public int assignments() {
    return tokens * topK;
  }

  /** The expert of an assignment, −1 if the token has fewer than k. */
  public int expert(int assignment) {
    return ids.getAtIndex(ValueLayout.JAVA_INT, assignment);
  }

  /** The combine weight of an assignment, 0 if it has no expert. */
  public float weight(int assignment) {
    return weights.getAtIndex(ValueLayout.JAVA_FLOAT, assignment);
  }

  /**
   * An expert that the gate chose and the policy left out: the {@code rank}-th of the token, −1 if
   * there are fewer.
   */
  public int displaced(int token, int rank) {
    return displaced.getAtIndex(ValueLayout.JAVA_INT, (long) token * topK + rank);
  }

  /** How many experts a token has: k, or fewer if it has fewer finite logits. */
  public int chosen(int token) {
    int count = topK;
    while (count > 0 && expert(token * topK + count - 1) < 0) {
      count--;
    }
    return count;
  }

  /** How many experts of the gate's own choice a token has not. */
  public int displacedCount(int token) {
    int count = 0;
    while (count < topK && displaced(token, count) >= 0) {
      count++;
    }
    return count;
  }

  /** The gate mass of a token's experts over that of the gate's own choice, 1 if they are equal. */
  public float kept(int token) {
    return kept.getAtIndex(ValueLayout.JAVA_FLOAT, token);
  }

  /** How many of a token's experts were not resident when it was routed. */
  public int misses(int token) {
    return misses.getAtIndex(ValueLayout.JAVA_INT, token);
  }

  /** All ids, {@code i32[tokens, k]}, highest logit first. */
  public MemorySegment ids() {
    return ids;
  }

  /** All combine weights, {@code f32[tokens, k]}. */
  public MemorySegment weights() {
    return weights;
  }

  /** Where a kernel writes what is known beside ids and weights. */
  RouteExtras extras() {
    return extras;
  }

  /** Sets the gate's own choice, which is what is selected now, aside for a comparison. */
  void keepGateChoice() {
    MemorySegment.copy(ids, 0, displaced, 0, (long) assignments() * Integer.BYTES);
  }

  /** Whether a token's experts are those of the choice set aside. */
  boolean isGateChoice(int token) {
    long from = (long) token * topK * Integer.BYTES;
    long to = from + (long) topK * Integer.BYTES;
    return MemorySegment.mismatch(ids, from, to, displaced, from, to) < 0;
  }

  /** Ends the comparison for a token that has the choice set aside. */
  void noneDisplaced(int token) {
    for (int a = token * topK; a < (token + 1) * topK; a++) {
      displaced.setAtIndex(ValueLayout.JAVA_INT, a, -1);
    }
  }

  /**
   * Compares a token's experts, chosen by other means since, with the choice set aside.
   *
   * @param logits the token's, {@code f32[experts]}
   * @param residents the residency mask, u64 words
   */
  void compareWithGate(int token, MemorySegment logits, MemorySegment residents) {
    int first = token * topK;
    float max = Float.NEGATIVE_INFINITY;
    for (int a = first; a < first + topK; a++) {
      int expert = displaced.getAtIndex(ValueLayout.JAVA_INT, a);
      max = expert < 0 ? max : Math.max(max, logit(logits, expert));
    }
    double gateMass = 0;
    int left = first;
    for (int a = first; a < first + topK; a++) {
      int expert = displaced.getAtIndex(ValueLayout.JAVA_INT, a);
      if (expert >= 0) {
        gateMass += mass(logit(logits, expert), max);
        if (!chose(token, expert)) {
          displaced.setAtIndex(ValueLayout.JAVA_INT, left++, expert);
        }
      }
    }
    for (; left < first + topK; left++) {
      displaced.setAtIndex(ValueLayout.JAVA_INT, left, -1);
    }
    double mass = 0;
    int missed = 0;
    for (int a = first; a < first + topK && expert(a) >= 0; a++) {
      mass += mass(logit(logits, expert(a)), max);
      missed += resident(residents, expert(a)) ? 0 : 1;
    }
    kept.setAtIndex(ValueLayout.JAVA_FLOAT, token, (float) (mass / gateMass));
    misses.setAtIndex(ValueLayout.JAVA_INT, token, missed);
  }

  private boolean chose(int token, int expert) {
    for (int rank = 0; rank < topK; rank++) {
      if (expert(token * topK + rank) == expert) {
        return true;
      }
    }
    return false;
  }

  /** The largest has a mass of 1 even where it is infinite. */
  private static double mass(float logit, float max) {
    return logit == max ? 1 : Math.exp(logit - max);
  }

  private static float logit(MemorySegment logits, int expert) {
    return logits.get(ValueLayout.JAVA_FLOAT_UNALIGNED, (long) expert * Float.BYTES);
  }

  private static boolean resident(MemorySegment words, int expert) {
    return (words.getAtIndex(ValueLayout.JAVA_LONG, expert >>> 6) >>> expert & 1) != 0;
  }

  /** Sums up the call for a strength that adapts. */
  void tell(Lambda lambda) {
    int chosen = 0;
    int missed = 0;
    double mass = 0;
    for (int token = 0; token < tokens; token++) {
      chosen += chosen(token);
      missed += misses(token);
      mass += kept(token);
    }
    lambda.observe(chosen, missed, mass, tokens);
  }

  @Override
  public void close() {
    block.close();
  }

  private void grow(int tokenCount) {
    long assignmentBytes = (long) tokenCount * topK * Integer.BYTES;
    long tokenBytes = (long) tokenCount * Integer.BYTES;
    capacity = 0; // If there is no memory, the next call tries again.
    block.close();
    block = NativeMemory.allocate(3 * assignmentBytes + 2 * tokenBytes);
    MemorySegment memory = block.memory();
    ids = memory.asSlice(0, assignmentBytes);
    weights = memory.asSlice(assignmentBytes, assignmentBytes);
    displaced = memory.asSlice(2 * assignmentBytes, assignmentBytes);
    kept = memory.asSlice(3 * assignmentBytes, tokenBytes);
    misses = memory.asSlice(3 * assignmentBytes + tokenBytes, tokenBytes);
    extras = new RouteExtras(displaced, kept, misses);
    capacity = tokenCount;
  }
}
