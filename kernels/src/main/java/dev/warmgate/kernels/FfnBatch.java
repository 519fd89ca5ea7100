package dev.warmgate.kernels;

import static java.lang.String.format;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * The arguments of the feed-forward kernels: some tokens, and the experts that work on them. Filled
 * again and again without allocating:
 *
 * <pre>{@code
 * batch.begin(tokens, topK, x, inner, partial, gateWeights, out, team.width());
 * for (each wave) {
 *   batch.clearExperts();
 *   for (each expert of the wave) batch.add(weights, assignments, count);
 *   team.run(kernels, Step.UP, batch);
 *   team.run(kernels, Step.DOWN, batch);
 * }
 * team.run(kernels, Step.COMBINE, batch);
 * }</pre>
 *
 * <p>An <em>assignment</em> is the number {@code token * topK + rank}. Across the waves each
 * assignment whose gate weight isn't zero must be given to one expert before COMBINE.
 *
 * <p>Not thread-safe while it is filled; once filled, its parts may run on many threads. The batch
 * holds on to the segments that it was given (so memory of an automatic arena stays), until {@link
 * #clearExperts}, the next {@link #begin}, or {@link #close}. Closing while a part runs is an error
 * of the caller.
 */
public final class FfnBatch implements AutoCloseable {
  /** Most experts that a batch can be made for. */
  public static final int MAX_EXPERTS = 1 << 20;

  private static final MemorySegment NONE = MemorySegment.NULL;
  private static final long CACHE_LINE = 64;
  private static final long TABLE =
      (FfnLayout.BATCH_SIZE + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;

  private final FfnShape shape;
  private final NativeMemory.Block block;
  private final MemorySegment struct;
  private final ExpertWeights[] experts;
  private final MemorySegment[] assignments;
  private final int[] counts;

  private int size;
  private int tokens;
  private int topK;
  private int parts;
  private MemorySegment x = NONE;
  private MemorySegment inner = NONE;
  private MemorySegment partial = NONE;
  private MemorySegment gateWeights = NONE;
  private MemorySegment out = NONE;
  private boolean onHeap;
  private boolean expertsOnHeap;

  /**
   * An empty batch.
   *
   * @param shape of all its experts
   * @param maxExperts most experts of a wave, ≥ 1
   */
  public FfnBatch(FfnShape shape, int maxExperts) {
    if (maxExperts < 1 || maxExperts > MAX_EXPERTS) {
      throw new IllegalArgumentException(
          format("maxExperts is %d, must be in 1..%d", maxExperts, MAX_EXPERTS));
    }
    this.shape = shape;
    experts = new ExpertWeights[maxExperts];
    assignments = new MemorySegment[maxExperts];
    counts = new int[maxExperts];
    block = NativeMemory.allocate(TABLE + maxExperts * FfnLayout.EXPERT_SIZE);
    struct = block.memory();
    struct.set(JAVA_INT, FfnLayout.HIDDEN, shape.hidden());
    struct.set(JAVA_INT, FfnLayout.INNER, shape.inner());
    struct.set(JAVA_INT, FfnLayout.ACTIVATION, FfnLayout.code(shape.activation()));
    struct.set(JAVA_FLOAT, FfnLayout.ALPHA, shape.alpha());
    struct.set(JAVA_FLOAT, FfnLayout.BETA, shape.beta());
    struct.set(JAVA_FLOAT, FfnLayout.LIMIT, shape.limit());
    FfnLayout.setFormat(struct, shape);
    struct.set(JAVA_LONG, FfnLayout.EXPERTS, struct.address() + TABLE);
  }

  /**
   * Begins a batch without experts.
   *
   * @param tokens T ≥ 0
   * @param topK k ≥ 1
   * @param x {@code f32[T,H]}
   * @param inner scratch {@code f32[T·k,I]}
   * @param partial scratch {@code f32[T·k,H]}: each assignment's result
   * @param gateWeights {@code f32[T·k]}
   * @param out {@code f32[T,H]}
   * @param parts how many parts a step has, ≥ 1
   */
  public void begin(
      int tokens,
      int topK,
      MemorySegment x,
      MemorySegment inner,
      MemorySegment partial,
      MemorySegment gateWeights,
      MemorySegment out,
      int parts) {
    Checks.count(tokens, "tokens");
    long slots = (long) tokens * topK;
    if (topK < 1 || parts < 1 || slots > Integer.MAX_VALUE) {
      throw new IllegalArgumentException(
          format("no valid batch: %d tokens, topK %d, %d parts", tokens, topK, parts));
    }
    Checks.floats(x, (long) tokens * shape.hidden(), "x");
    Checks.takesFloats(inner, slots * shape.inner(), "inner");
    Checks.takesFloats(partial, slots * shape.hidden(), "partial");
    Checks.floats(gateWeights, slots, "gateWeights");
    Checks.takesFloats(out, (long) tokens * shape.hidden(), "out");
    clearExperts();
    this.tokens = tokens;
    this.topK = topK;
    this.parts = parts;
    this.x = x;
    this.inner = inner;
    this.partial = partial;
    this.gateWeights = gateWeights;
    this.out = out;
    onHeap =
        !(x.isNative()
            && inner.isNative()
            && partial.isNative()
            && gateWeights.isNative()
            && out.isNative());
    struct.set(JAVA_INT, FfnLayout.TOKENS, tokens);
    struct.set(JAVA_INT, FfnLayout.TOP_K, topK);
    struct.set(JAVA_INT, FfnLayout.PARTS, parts);
    // A heap segment's address is an offset and means nothing in C: requireNative keeps it out.
    struct.set(JAVA_LONG, FfnLayout.X, x.address());
    struct.set(JAVA_LONG, FfnLayout.INNER_VALUES, inner.address());
    struct.set(JAVA_LONG, FfnLayout.PARTIAL, partial.address());
    struct.set(JAVA_LONG, FfnLayout.GATE_WEIGHTS, gateWeights.address());
    struct.set(JAVA_LONG, FfnLayout.OUT, out.address());
  }

  /**
   * Adds an expert to the wave.
   *
   * @param w its weights
   * @param assignments {@code i32[count]}, each in {@code 0..T·k−1}
   * @param count how many; an expert with none is left out
   */
  public void add(ExpertWeights w, MemorySegment assignments, int count) {
    Checks.count(count, "count");
    if (parts == 0) {
      throw new IllegalStateException("add comes after begin");
    }
    if (size == experts.length) {
      throw new IllegalArgumentException(
          format("the batch is full: it was made for %d experts", experts.length));
    }
    w.fc1().check(shape.format(), Matrix.Names.FC1, shape.rows1(), shape.hidden());
    w.fc2().check(shape.format(), Matrix.Names.FC2, shape.hidden(), shape.inner());
    Checks.holds(assignments, count, Integer.BYTES, "assignments");
    int slots = tokens * topK;
    for (int i = 0; i < count; i++) {
      int assignment = assignments.get(JAVA_INT_UNALIGNED, (long) i * Integer.BYTES);
      if (assignment < 0 || assignment >= slots) {
        throw new IllegalArgumentException(
            format("assignment %d is outside 0..%d", assignment, slots - 1));
      }
    }
    if (count > 0) {
      put(w, assignments, count);
    }
  }

  private void put(ExpertWeights w, MemorySegment ids, int count) {
    experts[size] = w;
    assignments[size] = ids;
    counts[size] = count;
    expertsOnHeap |= !(w.isNative() && ids.isNative());
    long entry = TABLE + size * FfnLayout.EXPERT_SIZE;
    struct.set(JAVA_LONG, entry + FfnLayout.FC1, w.fc1().weights().address());
    struct.set(JAVA_LONG, entry + FfnLayout.SCALES1, w.fc1().scales().address());
    struct.set(JAVA_LONG, entry + FfnLayout.ZEROS1, w.fc1().zeroPoints().address());
    struct.set(JAVA_LONG, entry + FfnLayout.BIAS1, w.fc1().bias().address());
    struct.set(JAVA_LONG, entry + FfnLayout.FC2, w.fc2().weights().address());
    struct.set(JAVA_LONG, entry + FfnLayout.SCALES2, w.fc2().scales().address());
    struct.set(JAVA_LONG, entry + FfnLayout.ZEROS2, w.fc2().zeroPoints().address());
    struct.set(JAVA_LONG, entry + FfnLayout.BIAS2, w.fc2().bias().address());
    struct.set(JAVA_LONG, entry + FfnLayout.ASSIGNMENTS, ids.address());
    struct.set(JAVA_LONG, entry + FfnLayout.COUNT, count);
    size++;
    struct.set(JAVA_INT, FfnLayout.EXPERT_COUNT, size);
  }

  /** Begins the next wave: no experts, the arguments of {@link #begin} stay. */
  public void clearExperts() {
    Arrays.fill(experts, 0, size, null);
    Arrays.fill(assignments, 0, size, null);
    size = 0;
    expertsOnHeap = false;
    struct.set(JAVA_INT, FfnLayout.EXPERT_COUNT, 0);
  }

  /** How many parts a step has; 0 before the first {@link #begin}. */
  public int parts() {
    return parts;
  }

  /** What the functions of {@link Kernels#function} take as their first argument. */
  public MemorySegment argument() {
    return struct;
  }

  /** What every expert of the batch looks like. */
  public FfnShape shape() {
    return shape;
  }

  /** Native memory that the batch itself holds. */
  public long nativeBytes() {
    return struct.byteSize();
  }

  /** Gives the native memory back. The batch can't be used any more. */
  @Override
  public void close() {
    if (struct.scope().isAlive()) {
      clearExperts();
      block.close();
    }
  }

  /** The struct's address for a native tier. */
  long nativeAddress() {
    if (onHeap || expertsOnHeap) {
      throw new IllegalArgumentException("a native tier can't work on segments of the Java heap");
    }
    return struct.address();
  }

  int tokens() {
    return tokens;
  }

  int topK() {
    return topK;
  }

  int size() {
    return size;
  }

  ExpertWeights expert(int index) {
    return experts[index];
  }

  MemorySegment assignments(int index) {
    return assignments[index];
  }

  int count(int index) {
    return counts[index];
  }

  MemorySegment x() {
    return x;
  }

  MemorySegment inner() {
    return inner;
  }

  MemorySegment partial() {
    return partial;
  }

  MemorySegment gateWeights() {
    return gateWeights;
  }

  MemorySegment out() {
    return out;
  }
}
