package dev.warmgate.expert;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.config.WarmgateOptions.Io;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.residency.ModelExperts.Place;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** The MoE layers of one session, and its share in the caches. */
public final class MoeModel implements AutoCloseable {
  private static final RoutingStats NOTHING_ROUTED = new RoutingStats(0, 0, 0, 0, 0, 0);

  /** The sessions' models that are open now; guards what closed ones have counted. */
  private static final Set<MoeModel> OPEN = new HashSet<>();

  private static RoutingStats closed = NOTHING_ROUTED;

  private final SharedExperts.Handle handle;
  private final List<MoeLayer> layers = new ArrayList<>();
  private final List<LayerRouting> routings = new ArrayList<>();
  private final Map<Workspace.Kind, Pool<Workspace>> workspaces = new HashMap<>();

  private MoeModel(SharedExperts.Handle handle) {
    this.handle = handle;
  }

  /**
   * Opens the layers of a session. No expert is read.
   *
   * @param specs the layers, in the order of their execution
   * @param plan for this machine, made with the session's options
   * @throws IOException in one line, if a file is missing, or too short for its tensor
   * @throws IllegalArgumentException if the budget is less than one expert of the largest layer
   * @throws IllegalStateException with the reason, if the plan's kernels can't run
   */
  public static MoeModel open(List<LayerSpec> specs, WarmgateOptions options, Plan plan)
      throws IOException {
    List<LayerStore> stores = specs.stream().map(LayerSpec::store).toList();
    long expertBytes = stores.stream().mapToLong(LayerStore::bytes).sum();
    long budget =
        Math.min(expertBytes, options.expertMemory().bytes(expertBytes, plan.expertMemoryBytes()));
    var settings =
        new CacheSettings(
            plan.ioThreads(), plan.readBytes(), direct(options.io(), plan, expertBytes, budget));
    // Not the bytes: what `auto` comes to changes from one session to the next.
    String sharing =
        "%s %s %s".formatted(options.expertMemory(), options.io(), options.ioThreads());
    Kernels kernels = Kernels.of(plan.tier());
    MoeModel model = new MoeModel(SharedExperts.join(stores, sharing, budget, settings));
    Map<Map.Entry<Workspace.Kind, SlotViews.Layout>, SlotViews> views = new HashMap<>();
    for (int i = 0; i < specs.size(); i++) {
      LayerSpec spec = specs.get(i);
      Place place = model.handle.experts().place(i);
      var layout = SlotViews.Layout.of(spec);
      var kind =
          new Workspace.Kind(
              spec.shape(),
              spec.rule().experts(),
              spec.rule().topK(),
              place.cache(),
              options.metrics());
      model.layers.add(
          new MoeLayer(
              spec,
              place.index(),
              model.routing(kernels, spec.rule(), options, place),
              kernels,
              views.computeIfAbsent(
                  Map.entry(kind, layout), _ -> new SlotViews(place.cache(), layout)),
              kind,
              model.workspaces.computeIfAbsent(kind, k -> new Pool<>(() -> new Workspace(k)))));
    }
    synchronized (OPEN) {
      OPEN.add(model);
    }
    return model;
  }

  private LayerRouting routing(
      Kernels kernels, GateRule rule, WarmgateOptions options, Place place) {
    LayerRouting routing =
        new LayerRouting(
            kernels, rule, options.routing(), options.metrics(), place.cache(), place.index());
    routings.add(routing);
    return routing;
  }

  /** The {@code index}-th layer. */
  public MoeLayer layer(int index) {
    return layers.get(index);
  }

  /** What the caches did, for whichever session. */
  public ResidencyStats statistics() {
    return handle.experts().statistics();
  }

  /** What the routing policy did in all layers together. */
  public RoutingStats routingStatistics() {
    return layers.stream()
        .map(MoeLayer::routingStatistics)
        .reduce(NOTHING_ROUTED, RoutingStats::plus);
  }

  /** What routing policies did in all sessions of this process, those closed by now included. */
  public static RoutingStats allRoutingStatistics() {
    synchronized (OPEN) {
      return OPEN.stream()
          .map(MoeModel::routingStatistics)
          .collect(Collectors.reducing(closed, RoutingStats::plus));
    }
  }

  /** What routing policies did layer by layer in the sessions of this process that are open. */
  public static List<LayerStats> openLayers() {
    synchronized (OPEN) {
      return OPEN.stream()
          .flatMap(model -> model.layers.stream())
          .map(MoeLayer::layerStatistics)
          .toList();
    }
  }

  /** Gives back buffers and caches; no layer is executing any more. */
  @Override
  public void close() {
    synchronized (OPEN) {
      if (OPEN.remove(this)) {
        closed = closed.plus(routingStatistics());
      }
    }
    routings.forEach(LayerRouting::close);
    workspaces.values().forEach(Pool::close);
    handle.close();
  }

  /**
   * Whether to go around the page cache. Where there is room for all experts beside the slots, the
   * page cache gives back at memory speed what was evicted; where there isn't, it only costs memory
   * and a copy.
   */
  private static boolean direct(Io io, Plan plan, long expertBytes, long budget) {
    return switch (io) {
      case DIRECT -> true;
      case BUFFERED -> false;
      case AUTO -> plan.directIo() && expertBytes > plan.expertMemoryBytes() - budget;
    };
  }
}
