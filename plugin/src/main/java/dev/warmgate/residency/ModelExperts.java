package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The caches of one model: one for each size of expert, or a single one where the budget is too
 * small to be divided.
 */
public final class ModelExperts implements AutoCloseable {

  /**
   * Where a layer's experts are cached.
   *
   * @param index of the layer in the cache
   */
  public record Place(ExpertCache cache, int index) {}

  private final List<LayerStore> layers;
  private final List<ExpertCache> caches = new ArrayList<>();
  private final List<Place> places;

  /**
   * Opens the caches; nothing is read yet.
   *
   * @param budget in bytes, for all of them together
   * @throws IOException in one line, if a file doesn't hold what a layer says
   * @throws IllegalArgumentException if the budget is less than one expert of the largest layer
   */
  ModelExperts(List<LayerStore> layers, long budget, CacheSettings settings) throws IOException {
    this.layers = List.copyOf(layers);
    Map<Long, List<Integer>> classes = new LinkedHashMap<>();
    for (int i = 0; i < layers.size(); i++) {
      classes.computeIfAbsent(layers.get(i).expertBytes(), _ -> new ArrayList<>()).add(i);
    }
    long total = layers.stream().mapToLong(LayerStore::bytes).sum();
    boolean divisible =
        classes.entrySet().stream()
            .allMatch(c -> share(budget, layers, c.getValue(), total) >= c.getKey());
    List<List<Integer>> groups =
        divisible
            ? List.copyOf(classes.values())
            : List.of(classes.values().stream().flatMap(List::stream).toList());
    Place[] found = new Place[layers.size()];
    try {
      for (List<Integer> group : groups) {
        long groupBudget = groups.size() == 1 ? budget : share(budget, layers, group, total);
        var cache =
            new ExpertCache(group.stream().map(layers::get).toList(), groupBudget, settings);
        caches.add(cache);
        for (int i = 0; i < group.size(); i++) {
          found[group.get(i)] = new Place(cache, i);
        }
      }
    } catch (IOException | RuntimeException | Error e) {
      close();
      throw e;
    }
    places = List.of(found);
  }

  /** Where the experts of the {@code layer}-th layer are. */
  public Place place(int layer) {
    return places.get(layer);
  }

  /** What is resident now and worth keeping. */
  HotSet hotSet() {
    List<HotSet.Layer> hot = new ArrayList<>();
    for (int i = 0; i < layers.size(); i++) {
      Place place = place(i);
      hot.add(
          new HotSet.Layer(
              layers.get(i).name(), layers.get(i).experts(), place.cache().hot(place.index())));
    }
    return new HotSet(hot);
  }

  /**
   * Reads experts in the background, as far as there are unused slots: of all layers the hottest
   * first. What is meant for another model is left out.
   */
  void restore(HotSet hotSet) {
    if (hotSet.layers().size() != layers.size()) {
      return;
    }
    int most = hotSet.layers().stream().mapToInt(layer -> layer.hot().size()).max().orElse(0);
    for (int rank = 0; rank < most; rank++) {
      for (int i = 0; i < layers.size(); i++) {
        HotSet.Layer layer = hotSet.layers().get(i);
        boolean same =
            layer.name().equals(layers.get(i).name()) && layer.experts() == layers.get(i).experts();
        if (same && rank < layer.hot().size()) {
          place(i).cache().fill(place(i).index(), layer.hot().get(rank));
        }
      }
    }
  }

  /** Counts of all caches together. */
  public ResidencyStats statistics() {
    return caches.stream()
        .map(ExpertCache::statistics)
        .reduce(ResidencyStats.NONE, ResidencyStats::plus);
  }

  /**
   * Gives the memory back.
   *
   * @throws IllegalStateException if an expert is leased or on its way to a call; all caches stay
   *     open then
   */
  @Override
  public void close() {
    caches.forEach(ExpertCache::requireUnused);
    caches.forEach(ExpertCache::close);
  }

  private static long share(long budget, List<LayerStore> layers, List<Integer> group, long total) {
    long bytes = group.stream().mapToLong(i -> layers.get(i).bytes()).sum();
    // Not in doubles: these would round a budget for all to a byte less than one expert needs.
    return BigInteger.valueOf(budget)
        .multiply(BigInteger.valueOf(bytes))
        .divide(BigInteger.valueOf(total))
        .longValueExact();
  }
}
