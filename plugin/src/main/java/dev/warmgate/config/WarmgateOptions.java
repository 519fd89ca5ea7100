package dev.warmgate.config;

import dev.warmgate.kernels.Precision;
import dev.warmgate.kernels.Tier;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.stream.Collectors;

/**
 * The options of one session.
 *
 * @param expertMemory memory for the slots of this session's experts
 * @param processMemory what the slots of all models of this process may take together, if bounded
 * @param routing how a selection is made from logits and residency mask, and by how much it may
 *     differ from the model's own
 * @param prefetch what the next layer's experts are guessed from, to read them before they are
 *     asked for
 * @param eviction which resident expert makes room for an absent one
 * @param precision what quantised experts are multiplied by
 * @param tier a kernel tier to use instead of the planned one; it can only lower it
 * @param threads the most threads that compute a layer, if not as many as the host has
 * @param ioThreads threads that read experts
 * @param io whether reads go around the page cache
 * @param stateFolder where caches keep what they learned from one process to the next; empty to
 *     start cold
 * @param metrics whether hits and routing are counted
 */
public record WarmgateOptions(
    MemoryBudget expertMemory,
    OptionalLong processMemory,
    RoutingOptions routing,
    Prefetch prefetch,
    Eviction eviction,
    Precision precision,
    Optional<Tier> tier,
    OptionalInt threads,
    OptionalInt ioThreads,
    Io io,
    Optional<Path> stateFolder,
    boolean metrics) {

  /** An eviction policy. */
  public enum Eviction {
    /** What ships, whatever that is. */
    DEFAULT,
    /** What is used least lately goes, corrected by what follows the experts that just ran. */
    LEARNED,
    /** What is used least lately goes. */
    DECAYED_LFU,
    /** The least recently used expert goes. */
    LRU,
    /** The least frequently used expert goes. */
    LFU,
    /** What was last used in the earliest pass over the layers goes. */
    LEAST_STALE,
    /** Any expert goes. */
    RANDOM
  }

  /** What the next layer's experts are guessed from. */
  public enum Prefetch {
    /** Nothing is guessed. */
    OFF,
    /** From the experts that this layer selected. */
    TRANSITION,
    /** From what the next layer's gate makes of this layer's hidden states. */
    GATE
  }

  /** How experts are read. */
  public enum Io {
    /** Around the page cache where it could not hold the experts anyway. */
    AUTO,
    /** Around the page cache. */
    DIRECT,
    /** Through the page cache. */
    BUFFERED
  }

  /** What is done or not. */
  private enum Switch {
    ON,
    OFF
  }

  /** One option: its name, what it is when absent, and what to say of it in a table. */
  private record Definition(String name, String defaultValue, String values, String meaning) {}

  private static final List<Definition> DEFINITIONS =
      List.of(
          new Definition(
              "expert_memory",
              "auto",
              "auto, 512m, 8g, 35%",
              "memory for expert slots; a percentage is of all the model's expert bytes"),
          new Definition(
              "process_memory",
              "off",
              "off, 512m, 8g",
              "memory for the slots of all models of this process together; who asks for more than"
                  + " is left is refused, and auto takes what is left"),
          new Definition(
              "routing",
              "lossless",
              values(RoutingOptions.Mode.class),
              "how experts are selected; all but lossless may change the result"),
          new Definition(
              "routing.lambda",
              "0.1",
              "0 to 10",
              "cache-prior: how far a resident expert may jump, in ranges of the logits; additive:"
                  + " the same in logits (default 0.15)"),
          new Definition(
              "routing.keep_top",
              "2",
              "0 to 64",
              "cache-prior, max-rank: so many best experts of a token are never displaced; by default"
                  + " at most all but one"),
          new Definition(
              "routing.max_rank",
              "12",
              "1 to 1024",
              "max-rank: the lowest rank from which a resident expert may be taken; by default at"
                  + " most half of the experts"),
          new Definition(
              "routing.target_hit_rate",
              "off",
              "off, 0 to 1",
              "cache-prior: lambda adapts until so many of a layer's experts are found resident"),
          new Definition(
              "routing.min_mass_kept",
              "0.98",
              "0 to 1",
              "with target_hit_rate: lambda never grows past the point where less of the gate's"
                  + " own choice, by weight, is kept"),
          new Definition(
              "routing.absent_share",
              "0.5",
              "0 to 1",
              "capacity: which part of the absent experts that a batch wants is read for it"),
          new Definition(
              "prefetch",
              "gate",
              values(Prefetch.class),
              "how the next layer's experts are guessed, to be read before they are asked for; gate"
                  + " falls back to transition for a layer whose gate isn't found"),
          new Definition(
              "eviction",
              "default",
              values(Eviction.class),
              "which expert makes room for an absent one; default is learned"),
          new Definition(
              "precision",
              "fast",
              values(Precision.class),
              "what quantised experts are multiplied by: activations rounded to int8 in blocks of 32"
                  + " (fast), or as they are (exact); other experts are always exact"),
          new Definition(
              "tier",
              "auto",
              "auto, " + values(Tier.class),
              "kernel tier; an override can only lower the planned one"),
          new Definition(
              "threads",
              "auto",
              "auto, 1 to 1024",
              "the most threads that compute a layer; the host's pool decides by default"),
          new Definition("io_threads", "auto", "auto, 1 to 256", "threads that read experts"),
          new Definition(
              "io",
              "auto",
              values(Io.class),
              "reads around (direct) or through (buffered) the page cache"),
          new Definition(
              "warm_start",
              "on",
              values(Switch.class),
              "whether the experts that were hot in the last process are read in the background"),
          new Definition(
              "state_dir",
              "auto",
              "auto, a folder",
              "where the hot experts and the cache's statistics are kept; auto is the user's state"
                  + " folder"),
          new Definition(
              "metrics",
              "on",
              values(Switch.class),
              "whether hits and what routing does are counted; reads and memory always are"));

  /** The options of a session for which nothing was said. */
  public static WarmgateOptions defaults() {
    return parse(Map.of());
  }

  /**
   * Reads options as a host hands them over.
   *
   * @param given names without any host's prefix, and values
   * @throws IllegalArgumentException in one line that names the option, if one is unknown or its
   *     value can't be used
   */
  public static WarmgateOptions parse(Map<String, String> given) {
    List<String> unknown = new ArrayList<>(given.keySet());
    unknown.removeAll(names());
    if (!unknown.isEmpty()) {
      unknown.sort(null);
      throw new IllegalArgumentException(
          "unknown option '%s'; known: %s"
              .formatted(unknown.getFirst(), String.join(", ", names())));
    }
    return new WarmgateOptions(
        budget(given),
        processMemory(given),
        RoutingOptions.parse(given),
        choice(given, "prefetch", Prefetch.class).orElse(Prefetch.GATE),
        choice(given, "eviction", Eviction.class).orElse(Eviction.DEFAULT),
        choice(given, "precision", Precision.class).orElse(Precision.FAST),
        tier(given),
        count(given, "threads", 1024),
        count(given, "io_threads", 256),
        choice(given, "io", Io.class).orElse(Io.AUTO),
        stateFolder(given),
        choice(given, "metrics", Switch.class).orElse(Switch.ON) == Switch.ON);
  }

  /** The names of all options. */
  public static List<String> names() {
    return DEFINITIONS.stream().map(Definition::name).toList();
  }

  /** The option table of the user guide, in Markdown. */
  public static String markdown() {
    return DEFINITIONS.stream()
        .map(
            d ->
                "| `%s` | %s | `%s` | %s |%n"
                    .formatted(d.name, d.values, d.defaultValue, d.meaning))
        .collect(
            Collectors.joining(
                "", "| option | values | default | meaning |\n| --- | --- | --- | --- |\n", ""));
  }

  private static MemoryBudget budget(Map<String, String> given) {
    try {
      return MemoryBudget.parse(given.getOrDefault("expert_memory", "auto"));
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException("option expert_memory: " + e.getMessage(), e);
    }
  }

  private static OptionalLong processMemory(Map<String, String> given) {
    String value = given.getOrDefault("process_memory", "off").strip();
    if (value.equals("off")) {
      return OptionalLong.empty();
    }
    try {
      if (MemoryBudget.parse(value) instanceof MemoryBudget.Bytes(long bytes)) {
        return OptionalLong.of(bytes);
      }
    } catch (IllegalArgumentException e) {
      // Said below, without the sizes that don't apply.
    }
    throw new IllegalArgumentException(
        "option process_memory: '%s' is not off or a size such as 512m or 8g".formatted(value));
  }

  private static Optional<Path> stateFolder(Map<String, String> given) {
    boolean warm = choice(given, "warm_start", Switch.class).orElse(Switch.ON) == Switch.ON;
    String folder = given.getOrDefault("state_dir", "auto").strip();
    if (!warm) {
      return Optional.empty();
    }
    try {
      return folder.equals("auto") ? StateFolder.find() : Optional.of(Path.of(folder));
    } catch (InvalidPathException e) {
      throw new IllegalArgumentException(
          "option state_dir: '%s' is not a path".formatted(folder), e);
    }
  }

  private static Optional<Tier> tier(Map<String, String> given) {
    boolean auto = given.getOrDefault("tier", "auto").strip().equals("auto");
    return auto ? Optional.empty() : choice(given, "tier", Tier.class);
  }

  static <E extends Enum<E>> Optional<E> choice(
      Map<String, String> given, String name, Class<E> type) {
    String value = given.get(name);
    if (value == null) {
      return Optional.empty();
    }
    for (E constant : type.getEnumConstants()) {
      if (id(constant).equals(value.strip())) {
        return Optional.of(constant);
      }
    }
    throw new IllegalArgumentException(
        "option %s: '%s' is not one of %s".formatted(name, value, allowed(name)));
  }

  private static OptionalInt count(Map<String, String> given, String name, int max) {
    String value = given.getOrDefault(name, "auto").strip();
    if (value.equals("auto")) {
      return OptionalInt.empty();
    }
    if (value.matches("\\d{1,6}")) {
      int count = Integer.parseInt(value);
      if (count >= 1 && count <= max) {
        return OptionalInt.of(count);
      }
    }
    throw new IllegalArgumentException(
        "option %s: '%s' is not auto or a number from 1 to %d".formatted(name, value, max));
  }

  private static String allowed(String name) {
    return DEFINITIONS.stream()
        .filter(definition -> definition.name.equals(name))
        .map(Definition::values)
        .findFirst()
        .orElseThrow();
  }

  private static <E extends Enum<E>> String values(Class<E> type) {
    return Arrays.stream(type.getEnumConstants())
        .map(WarmgateOptions::id)
        .collect(Collectors.joining(", "));
  }

  static String id(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }
}
