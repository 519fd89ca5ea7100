package dev.warmgate.expert;

import dev.warmgate.kernels.ExpertWeights;
import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.Matrix;
import dev.warmgate.kernels.WeightFormat;
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

  /** Which of its optional parts a matrix has. */
  record Parts(boolean zeroPoints, boolean bias) {
    static Parts of(MatrixPlace place) {
      return new Parts(place.zeroPoints().isPresent(), place.bias().isPresent());
    }
  }

  /** What an expert in a slot looks like. */
  record Layout(FfnShape shape, Parts fc1, Parts fc2) {
    static Layout of(LayerSpec spec) {
      return new Layout(spec.shape(), Parts.of(spec.fc1()), Parts.of(spec.fc2()));
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
    var cutter = new Cutter(slot, shape.format());
    return new ExpertWeights(
        cutter.next(layout.fc1(), shape.rows1(), shape.hidden()),
        cutter.next(layout.fc2(), shape.hidden(), shape.inner()));
  }

  /** Cuts a slot into its parts, in the order of {@link MatrixPlace#parts}. */
  private static final class Cutter {
    private final MemorySegment slot;
    private final WeightFormat format;
    private long position;

    Cutter(MemorySegment slot, WeightFormat format) {
      this.slot = slot;
      this.format = format;
    }

    Matrix next(Parts parts, long rows, long columns) {
      return new Matrix(
          next(format.weightBytes(rows, columns)),
          next(format.scaleBytes(rows, columns)),
          next(parts.zeroPoints() ? format.zeroPointBytes(rows, columns) : 0),
          next(parts.bias() ? format.biasBytes(rows) : 0));
    }

    private MemorySegment next(long bytes) {
      if (bytes == 0) {
        return MemorySegment.NULL;
      }
      MemorySegment part = slot.asSlice(position, bytes);
      position += bytes;
      return part;
    }
  }
}
