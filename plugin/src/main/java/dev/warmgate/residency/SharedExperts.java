package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.UUID;
import java.util.stream.Collectors;

/**
 * The caches of this process. Sessions of one model share them if they ask for the same memory.
 *
 * <p>A model is known by its layers' files, unchanged since, and where in them its experts are.
 */
public final class SharedExperts {
  private static final Map<Key, Entry> OPEN = new HashMap<>();

  /** What was counted by caches that are closed by now, without their budgets. */
  private static ResidencyStats closed = ResidencyStats.NONE;

  private SharedExperts() {}

  private record Key(List<LayerStore> layers, Map<Path, FileIdentity> files, String options) {

    /** A file name that is the model's own; budgets don't matter to it. */
    String stateName() {
      String model =
          files.entrySet().stream()
              .map(file -> file.getKey() + " " + file.getValue().size())
              .sorted()
              .collect(Collectors.joining("\n"));
      return UUID.nameUUIDFromBytes(model.getBytes(StandardCharsets.UTF_8)) + ".json";
    }
  }

  private record FileIdentity(Object fileKey, long size, long modifiedMillis) {}

  private static final class Entry {
    final ModelExperts experts;
    final Optional<StateFile> state;
    int users;

    Entry(ModelExperts experts, Optional<StateFile> state) {
      this.experts = experts;
      this.state = state;
    }

    /** Keeps what the caches learned, unless nobody has used them. */
    void keepState() {
      ResidencyStats statistics = experts.statistics();
      if (state.isPresent() && statistics.hits() + statistics.misses() > 0) {
        state.get().write(experts.hotSet(), statistics);
      }
    }
  }

  /** How many bytes the slots of a model may take. */
  @FunctionalInterface
  public interface Budget {
    /**
     * The bytes.
     *
     * @param mapped bytes that the other models of this process have mapped for slots
     * @param untouched of these, bytes that no expert has been read into yet
     * @throws IllegalArgumentException in one line, if too few are left
     */
    long bytes(long mapped, long untouched);
  }

  /** One session's share in a model's caches. */
  public static final class Handle implements AutoCloseable {
    private final Key key;
    private final ModelExperts experts;
    private boolean open = true;

    private Handle(Key key, ModelExperts experts) {
      this.key = key;
      this.experts = experts;
    }

    /** The caches, until this handle is closed. */
    public ModelExperts experts() {
      return experts;
    }

    /**
     * Closes the caches if no other session uses them.
     *
     * @throws IllegalStateException if they should close and an expert is leased; this handle stays
     *     open then
     */
    @Override
    public void close() {
      synchronized (OPEN) {
        if (open) {
          leave(key);
          open = false;
        }
      }
    }
  }

  /**
   * Joins the caches of a model, opening them if no session has.
   *
   * @param options what the user asked for: sessions that asked for the same share caches
   * @param budget if they are opened now
   * @param settings if they are opened now
   * @param stateFolder where they keep what they learned, and find it the next time; empty to start
   *     cold
   * @throws IOException in one line, if a file can't be read or doesn't hold what a layer says
   * @throws IllegalArgumentException if the budget is less than one expert of the largest layer
   */
  public static Handle join(
      List<LayerStore> layers,
      String options,
      Budget budget,
      CacheSettings settings,
      Optional<Path> stateFolder)
      throws IOException {
    Map<Path, FileIdentity> files = new HashMap<>();
    for (LayerStore layer : layers) {
      for (FileRegion tensor : layer.tensors()) {
        if (!files.containsKey(tensor.file())) {
          files.put(tensor.file(), identity(layer.name(), tensor.file()));
        }
      }
    }
    Key key = new Key(List.copyOf(layers), Map.copyOf(files), options);
    synchronized (OPEN) {
      Entry entry = OPEN.get(key);
      if (entry == null) {
        entry = open(key, budget, settings, stateFolder);
        OPEN.put(key, entry);
      }
      entry.users++;
      return new Handle(key, entry.experts);
    }
  }

  private static Entry open(
      Key key, Budget budget, CacheSettings settings, Optional<Path> stateFolder)
      throws IOException {
    long mapped = MappedMemory.bytesMapped();
    long touched = OPEN.values().stream().mapToLong(e -> e.experts.statistics().slotBytes()).sum();
    long bytes = budget.bytes(mapped, Math.max(0, mapped - touched));
    Entry entry =
        new Entry(
            new ModelExperts(key.layers(), bytes, settings),
            stateFolder.map(folder -> new StateFile(folder.resolve(key.stateName()))));
    if (entry.state.isPresent()) {
      SaveAtExit.register();
      entry.state.get().read().ifPresent(entry.experts::restore);
    }
    return entry;
  }

  /** Hosts end without closing their sessions; what was learned is kept all the same. */
  private static final class SaveAtExit {
    static {
      Runtime.getRuntime().addShutdownHook(new Thread(SaveAtExit::save, "warmgate-save"));
    }

    static void register() {
      // Loading the class has done it, once.
    }

    private static void save() {
      synchronized (OPEN) {
        OPEN.values().forEach(Entry::keepState);
      }
    }
  }

  /** Counts of all caches, those closed by now included, in this process. */
  public static ResidencyStats statistics() {
    synchronized (OPEN) {
      return OPEN.values().stream()
          .map(entry -> entry.experts.statistics())
          .collect(Collectors.reducing(closed, ResidencyStats::plus));
    }
  }

  /** Bytes of slots that are mapped now. */
  public static long bytesMapped() {
    return MappedMemory.bytesMapped();
  }

  private static void leave(Key key) {
    Entry entry = OPEN.get(key);
    if (entry.users == 1) {
      // Before anything is evicted. If closing is refused, it is written once more later.
      entry.keepState();
      entry.experts.close();
      OPEN.remove(key);
      closed = closed.plus(entry.experts.statistics().closed());
    } else {
      entry.users--;
    }
  }

  private static FileIdentity identity(String layer, Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException("%s: %s is missing or no file".formatted(layer, file));
    }
    BasicFileAttributes attributes = Files.readAttributes(file, BasicFileAttributes.class);
    return new FileIdentity(
        attributes.fileKey(), attributes.size(), attributes.lastModifiedTime().toMillis());
  }
}
