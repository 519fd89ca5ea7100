package dev.warmgate.cli;

import dev.warmgate.expert.MoeModel;
import dev.warmgate.expert.RoutingTap;
import dev.warmgate.routing.Selection;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.stream.LongStream;

/** Counts how often each layer selects each expert. */
final class ExpertUse implements RoutingTap {
  private final List<AtomicLongArray> counts = new ArrayList<>();

  ExpertUse(MoeModel model) {
    for (int layer = 0; layer < model.layers(); layer++) {
      counts.add(new AtomicLongArray(model.layer(layer).spec().rule().experts()));
    }
  }

  @Override
  public void routed(int layer, MemorySegment logits, Selection selection) {
    for (int i = 0; i < selection.tokens() * selection.topK(); i++) {
      int expert = selection.expert(i);
      if (expert >= 0) {
        counts.get(layer).incrementAndGet(expert);
      }
    }
  }

  /** The counts, by layer and expert. */
  List<List<Long>> counts() {
    return counts.stream()
        .map(
            layer -> LongStream.range(0, layer.length()).mapToObj(e -> layer.get((int) e)).toList())
        .toList();
  }

  /**
   * A picture of counts: of each layer's selections, the percentage that each expert got.
   *
   * @param counts by layer and expert; a layer of fewer experts than another is filled up with 0
   */
  static HeatMap picture(String title, List<long[]> counts) {
    int width = counts.stream().mapToInt(layer -> layer.length).max().orElse(0);
    return new HeatMap(
        title,
        "expert",
        "layer",
        counts.stream()
            .map(
                layer -> {
                  double all = Math.max(1, Arrays.stream(layer).sum());
                  return Arrays.stream(Arrays.copyOf(layer, width))
                      .mapToObj(count -> 100 * count / all)
                      .toList();
                })
            .toList());
  }
}
