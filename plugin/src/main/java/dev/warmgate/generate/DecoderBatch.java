package dev.warmgate.generate;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/**
 * Sequences of one model that advance together: one run of the model gives each of them a token.
 * They may have any lengths, and join and leave between any two steps. For one thread at a time.
 *
 * <p>Their caches lie side by side in memory that the model reads and extends where it is. Nothing
 * is copied from step to step; when a sequence leaves, the last one moves into its row, and when
 * the memory grows, all move once.
 *
 * <p>Only for models whose attention takes such a cache: see {@link BatchProbe}.
 */
final class DecoderBatch implements AutoCloseable {
  /** Memory grows by so many tokens at least. */
  private static final int CHUNK = 64;

  private final DecoderModel model;
  private final ModelStep step;
  private final OrtSession.RunOptions options;
  private final List<BatchRow> rows = new ArrayList<>();
  private CacheRows cache;

  /** All rows as they were in the last step; made anew when there are others, or other memory. */
  private final Tensors viewed = new Tensors();

  private CacheRows.View view;

  /**
   * Makes a batch without sequences.
   *
   * @param options of all runs; may be null
   */
  DecoderBatch(DecoderModel model, OrtSession.RunOptions options) {
    this.model = model;
    this.options = options;
    step = new ModelStep(model);
    cache = new CacheRows(model, 0, 0);
  }

  /** Whether there can be another sequence of up to so many tokens. */
  boolean hasRoom(int capacity) {
    int longest = Math.max(capacity, longest(rows, BatchRow::capacity));
    return CacheRows.possible(model, rowsFor(rows.size() + 1L), tokensFor(longest));
  }

  /**
   * Starts a sequence.
   *
   * @param capacity the most tokens that it will hold, at most the context length
   */
  BatchRow start(int capacity) {
    model.checkCapacity(capacity);
    BatchRow row = new BatchRow(this, capacity, model.config().vocabularySize());
    reserve(rows.size() + 1, 1);
    forgetView();
    rows.add(row);
    return row;
  }

  private interface Count {
    int of(BatchRow row);
  }

  private static int longest(Collection<BatchRow> rows, Count count) {
    return rows.stream().mapToInt(count::of).max().orElse(0);
  }

  /** Rows double. */
  private static long rowsFor(long wanted) {
    return wanted <= 1 ? wanted : 2 * Long.highestOneBit(wanted - 1);
  }

  /** Whole chunks, but no more than a sequence can have. */
  private long tokensFor(long wanted) {
    return Math.min(Math.ceilDiv(wanted, CHUNK) * CHUNK, model.config().contextLength());
  }

  private void reserve(int rowsWanted, int tokensWanted) {
    if (rowsWanted <= cache.rows() && tokensWanted <= cache.tokens()) {
      return;
    }
    // What those that left had isn't carried along.
    long fit = tokensFor(Math.max(tokensWanted, longest(rows, BatchRow::length)));
    long tokens = fit;
    if (tokensWanted > cache.tokens()) {
      tokens = tokensFor(Math.max(tokensWanted, cache.tokens() + cache.tokens() / 2L));
      if (!CacheRows.possible(model, rowsFor(rowsWanted), tokens)) {
        tokens = fit;
      }
    }
    CacheRows grown = new CacheRows(model, (int) rowsFor(rowsWanted), (int) tokens);
    for (int row = 0; row < rows.size(); row++) {
      cache.copyRow(row, grown, row, rows.get(row).length());
    }
    forgetView();
    cache.close();
    cache = grown;
  }

  private void forgetView() {
    viewed.close();
    view = null;
  }

  /** Appends to one sequence alone. */
  float[] append(BatchRow row, int... tokens) throws OrtException {
    int index = rows.indexOf(row);
    if (index < 0) {
      throw new IllegalStateException("the sequence is closed");
    }
    model.checkTokens(tokens, row.length(), row.capacity());
    reserve(rows.size(), row.length() + tokens.length);
    try (Tensors tensors = new Tensors()) {
      CacheRows.View one = cache.view(index, 1, tensors);
      for (int from = 0; from < tokens.length; ) {
        int count = Math.min(step.partSize(), tokens.length - from);
        int[] some = Arrays.copyOfRange(tokens, from, from + count);
        run(new ModelStep.Row[] {row.step()}, some, count, one);
        row.grew(count);
        from += count;
      }
    }
    return row.logits();
  }

  /**
   * Appends to every sequence the token that it was given by {@link BatchRow#next}; each has at
   * least one already. Their logits are then those of what follows.
   *
   * @throws IllegalArgumentException if one can't be appended; nothing was appended then
   * @throws OrtException if the model can't be run; all sequences are as before
   */
  void step() throws OrtException {
    ModelStep.Row[] steps = new ModelStep.Row[rows.size()];
    int[] tokens = new int[steps.length];
    for (int i = 0; i < steps.length; i++) {
      BatchRow row = rows.get(i);
      tokens[i] = row.next();
      model.checkTokens(new int[] {tokens[i]}, row.length(), row.capacity());
      steps[i] = row.step();
    }
    reserve(steps.length, longest(rows, BatchRow::length) + 1);
    if (view == null) {
      view = cache.view(0, steps.length, viewed);
    }
    run(steps, tokens, 1, view);
    rows.forEach(row -> row.grew(1));
  }

  private void run(ModelStep.Row[] steps, int[] tokens, int count, CacheRows.View over)
      throws OrtException {
    ModelStep.Caches caches = new ModelStep.Caches(over.past(), Set.of(), over.present());
    step.run(steps, tokens, count, caches, options).close();
  }

  /** Ends a sequence; the last one gets its place. */
  void leave(BatchRow row) {
    int index = rows.indexOf(row);
    if (index < 0) {
      return;
    }
    forgetView();
    int last = rows.size() - 1;
    BatchRow moved = rows.get(last);
    if (index < last) {
      cache.copyRow(last, cache, index, moved.length());
      rows.set(index, moved);
    }
    rows.removeLast();
    if (rows.isEmpty()) {
      cache.close();
      cache = new CacheRows(model, 0, 0);
    }
  }

  /** The memory of the caches. */
  CacheRows cache() {
    return cache;
  }

  /** Ends all sequences. */
  @Override
  public void close() {
    rows.clear();
    forgetView();
    cache.close();
    step.close();
  }
}
