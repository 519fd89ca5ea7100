package dev.warmgate.expert;

import dev.warmgate.kernels.ExpertWeights;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.residency.ExpertCache;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicReferenceArray;

/**
 * The slots of a cache, seen as the weights of experts of one shape. A view is made once a slot and
 * kept, whatever expert is in it.
 */
final class SlotViews {
  private final ExpertCache cache;
  private final Layout layout;
  private final AtomicReferenceArray<ExpertWeights> views;

  /** Which parts a slot has, in the order fc1, bias1, fc2, bias2. */
  record Layout(FfnShape shape, boolean bias1, boolean bias2) {
    static Layout of(LayerSpec spec) {
      return new Layout(spec.shape(), spec.bias1().isPresent(), spec.bias2().isPresent());
    }
  }

  SlotViews(ExpertCache cache, Layout layout) {
    this.cache = cache;
    this.layout = layout;
    this.views = new AtomicReferenceArray<>(cache.slots());
  }

  /** The weights in a slot; to be read only under a lease. */
  ExpertWeights weights(int slot) {
    ExpertWeights view = views.get(slot);
    if (view == null) {
      view = view(cache.slot(slot));
      views.set(slot, view);
    }
    return view;
  }

  private ExpertWeights view(MemorySegment slot) {
    FfnShape shape = layout.shape();
    long fc1 = (long) shape.rows1() * shape.hidden() * Float.BYTES;
    long bias1 = layout.bias1() ? (long) shape.rows1() * Float.BYTES : 0;
    long fc2 = (long) shape.hidden() * shape.inner() * Float.BYTES;
    long bias2 = layout.bias2() ? (long) shape.hidden() * Float.BYTES : 0;
    return new ExpertWeights(
        slot.asSlice(0, fc1),
        layout.bias1() ? slot.asSlice(fc1, bias1) : MemorySegment.NULL,
        slot.asSlice(fc1 + bias1, fc2),
        layout.bias2() ? slot.asSlice(fc1 + bias1 + fc2, bias2) : MemorySegment.NULL);
  }
}
