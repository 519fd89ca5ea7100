package dev.warmgate.expert;

import dev.warmgate.config.MemoryBudget;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.config.WarmgateOptions.Prefetch;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.metrics.LayerStats;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import dev.warmgate.residency.CacheSettings;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.residency.ModelExperts;
import dev.warmgate.residency.ModelExperts.Place;
import dev.warmgate.residency.SharedExperts;
import dev.warmgate.residency.eviction.EvictionKind;
import dev.warmgate.routing.GateRule;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** The MoE layers of one session, and its share in the caches. */
public final class MoeModel implements AutoCloseable {
  private static final RoutingStats NOTHING_ROUTED = new RoutingStats(0, 0, 0, 0, 0, 0);

  /** The sessions' models that are open now; guards what closed ones have counted. */
  private static final Set<MoeModel> OPEN = new HashSet<>();

  private static RoutingStats closed = NOTHING_ROUTED;

  /** What a host that knows says is as likely as it gets. */
  private static final float SAID = 0.9f;

  private final Optional<Path> source;
  private final SharedExperts.Handle handle;

  @SuppressWarnings("ThreadLocalUsage") // One a model: a thread may record a sequence of each.
  private final ThreadLocal<Tape> tapes = new ThreadLocal<>();

  private final List<MoeLayer> layers = new ArrayList<>();
  private final List<LayerRouting> routings = new ArrayList<>();
  private Optional<Prefetcher> prefetcher = Optional.empty();
  private final Map<Workspace.Kind, Pool<Workspace>> workspaces = new HashMap<>();

  private MoeModel(Optional<Path> source, SharedExperts.Handle handle) {
    this.source = source;
    this.handle = handle;
  }

  /**
   * Opens the layers of a session. No expert is read.
   *
   * @param source the model's file, if it has one
   * @param specs the layers, in the order of their execution
   * @param gates of the layers, as far as they are known; to foresee what a layer will want
   * @param plan for this machine, made with the session's options
   * @throws IOException in one line, if a file is missing, or too short for its tensor
   * @throws IllegalArgumentException if the budget is less than one expert of the largest layer
   * @throws IllegalStateException with the reason, if the plan's kernels can't run
   */
  public static MoeModel open(
      Optional<Path> source,
      List<LayerSpec> specs,
      List<Optional<GateMatrix>> gates,
      WarmgateOptions options,
      Plan plan)
      throws IOException {
    List<LayerStore> stores = specs.stream().map(LayerSpec::store).toList();
    long expertBytes = stores.stream().mapToLong(LayerStore::bytes).sum();
    SharedExperts.Budget budget =
        (mapped, untouched) -> {
          // What other models have mapped and not touched yet still looks free.
          long free = Math.max(0, plan.expertMemoryBytes() - untouched);
          return budget(options, stores, wanted(options, expertBytes, free), mapped);
        };
    var settings =
        new CacheSettings(
            plan.ioThreads(),
            plan.readBytes(),
            direct(options, plan, expertBytes),
            EvictionKind.valueOf(options.eviction().name()));
    // Not the bytes: what `auto` comes to changes from one session to the next.
    String sharing =
        "%s %s %s %s"
            .formatted(
                options.expertMemory(), options.io(), options.ioThreads(), options.eviction());
    Kernels kernels = Kernels.of(plan.tier());
    MoeModel model =
        new MoeModel(
            source, SharedExperts.join(stores, sharing, budget, settings, options.stateFolder()));
    try {
      model.build(specs, gates, options, kernels);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
    synchronized (OPEN) {
      OPEN.add(model);
    }
    return model;
  }

  private void build(
      List<LayerSpec> specs,
      List<Optional<GateMatrix>> gates,
      WarmgateOptions options,
      Kernels kernels) {
    prefetcher = prefetcher(specs, gates, options, kernels, handle.experts());
    Map<Map.Entry<Workspace.Kind, SlotViews.Layout>, SlotViews> views = new HashMap<>();
    for (int i = 0; i < specs.size(); i++) {
      LayerSpec spec = specs.get(i);
      Place place = handle.experts().place(i);
      var layout = SlotViews.Layout.of(spec);
      var kind =
          new Workspace.Kind(
              spec.shape(), spec.rule(), spec.values(), place.cache(), options.metrics());
      layers.add(
          new MoeLayer(
              spec,
              i,
              place.index(),
              routing(kernels, spec.rule(), options, place),
              kernels,
              views.computeIfAbsent(
                  Map.entry(kind, layout), _ -> new SlotViews(place.cache(), layout)),
              kind,
              workspaces.computeIfAbsent(kind, k -> new Pool<>(() -> new Workspace(k))),
              prefetcher,
              tapes));
    }
  }

  private static Optional<Prefetcher> prefetcher(
      List<LayerSpec> specs,
      List<Optional<GateMatrix>> gates,
      WarmgateOptions options,
      Kernels kernels,
      ModelExperts experts) {
    if (options.prefetch() == Prefetch.OFF) {
      return Optional.empty();
    }
    List<Integer> topK = specs.stream().map(spec -> spec.rule().topK()).toList();
    List<Place> places = IntStream.range(0, specs.size()).mapToObj(experts::place).toList();
    List<Integer> counts = specs.stream().map(spec -> spec.rule().experts()).toList();
    Forecaster transitions = new TransitionForecaster(counts, topK);
    Forecaster forecaster =
        options.prefetch() == Prefetch.GATE
            ? new FallbackForecaster(new GateForecaster(kernels, gates, topK), transitions)
            : transitions;
    return Optional.of(new Prefetcher(forecaster, places));
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

  /** A session's layers that were opened from a file, if any are open. */
  public static Optional<MoeModel> openOn(Path source) {
    synchronized (OPEN) {
      return OPEN.stream().filter(m -> m.source.equals(Optional.of(source))).findFirst();
    }
  }

  /** How many layers there are. */
  public int layers() {
    return layers.size();
  }

  /** From now on every call of every layer is shown to a tap; to none if it is null. */
  public void tap(RoutingTap tap) {
    layers.forEach(layer -> layer.tap(tap));
  }

  /** A tape for one sequence. */
  public Tape newTape() {
    return new Tape(layers.stream().map(layer -> layer.spec().rule().experts()).toList());
  }

  /**
   * From now on this thread's calls are noted on a tape; on none if it is null.
   *
   * @return on what they were noted before, or null
   */
  public Tape record(Tape tape) {
    Tape before = tapes.get();
    tapes.set(tape);
    return before;
  }

  /**
   * Has experts read in the background that a layer will probably want.
   *
   * @throws IndexOutOfBoundsException if there is no such layer or expert
   */
  public void expect(int layer, int... experts) {
    for (int expert : experts) {
      Objects.checkIndex(expert, layers.get(layer).spec().rule().experts());
    }
    float[] probabilities = new float[experts.length];
    Arrays.fill(probabilities, SAID);
    synchronized (OPEN) {
      if (OPEN.contains(this)) {
        Place place = handle.experts().place(layer);
        place.cache().prefetch(place.index(), experts, probabilities, experts.length);
      }
    }
  }

  /** Has the experts read in the background that a sequence used lately. */
  public void expect(int layer, Tape tape) {
    expect(layer, tape.recent(layer));
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
    prefetcher.ifPresent(Prefetcher::close);
    workspaces.values().forEach(Pool::close);
    handle.close();
  }

  /** What the slots would take: never more than all experts. */
  private static long wanted(WarmgateOptions options, long expertBytes, long automatic) {
    return Math.min(expertBytes, options.expertMemory().bytes(expertBytes, automatic));
  }

  /** What they may take beside the other models of the process. */
  private static long budget(
      WarmgateOptions options, List<LayerStore> stores, long wanted, long mapped) {
    if (options.processMemory().isEmpty()) {
      return wanted;
    }
    long left = Math.max(0, options.processMemory().getAsLong() - mapped);
    if (options.expertMemory() instanceof MemoryBudget.Auto) {
      long least = stores.stream().mapToLong(LayerStore::expertBytes).max().orElse(0);
      if (left < least) {
        throw new IllegalArgumentException(
            "option process_memory: of %d bytes only %d are left, less than one expert (%d bytes)"
                .formatted(options.processMemory().getAsLong(), left, least));
      }
      return Math.min(wanted, left);
    }
    if (wanted > left) {
      throw new IllegalArgumentException(
          "option expert_memory: %d bytes are asked for, but of process_memory (%d) only %d are left"
              .formatted(wanted, options.processMemory().getAsLong(), left));
    }
    return wanted;
  }

  /**
   * Whether to go around the page cache. Where there is room for all experts beside the slots, the
   * page cache gives back at memory speed what was evicted; where there isn't, it only costs memory
   * and a copy.
   */
  static boolean direct(WarmgateOptions options, Plan plan, long expertBytes) {
    long budget = wanted(options, expertBytes, plan.expertMemoryBytes());
    return switch (options.io()) {
      case DIRECT -> true;
      case BUFFERED -> false;
      case AUTO -> plan.directIo() && expertBytes > plan.expertMemoryBytes() - budget;
    };
  }
}
