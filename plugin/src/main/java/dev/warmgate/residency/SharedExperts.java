package dev.warmgate.residency;

import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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

  private record Key(List<LayerStore> layers, Map<Path, FileIdentity> files, String options) {}

  private record FileIdentity(Object fileKey, long size, long modifiedMillis) {}

  private static final class Entry {
    final ModelExperts experts;
    int users;

    Entry(ModelExperts experts) {
      this.experts = experts;
    }
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
   * @param budget in bytes, if they are opened now
   * @param settings if they are opened now
   * @throws IOException in one line, if a file can't be read or doesn't hold what a layer says
   * @throws IllegalArgumentException if the budget is less than one expert of the largest layer
   */
  public static Handle join(
      List<LayerStore> layers, String options, long budget, CacheSettings settings)
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
        entry = new Entry(new ModelExperts(layers, budget, settings));
        OPEN.put(key, entry);
      }
      entry.users++;
      return new Handle(key, entry.experts);
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
      entry.experts.close();
      OPEN.remove(key);
      ResidencyStats last = entry.experts.statistics();
      closed =
          closed.plus(
              new ResidencyStats(
                  last.hits(),
                  last.misses(),
                  last.loads(),
                  last.prefetches(),
                  last.bytesRead(),
                  0,
                  0,
                  0,
                  last.waitNanos()));
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
