package dev.warmgate.hwdetect.linux;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * Files of one key and one number a line: {@code /proc/meminfo} ({@code MemTotal: 123 kB}), a
 * node's {@code meminfo} ({@code Node 0 MemTotal: 123 kB}), a cgroup's {@code memory.stat} ({@code
 * inactive_file 123}).
 */
public final class KeyedSizes {

  private final Map<String, Long> bytes;

  private KeyedSizes(Map<String, Long> bytes) {
    this.bytes = bytes;
  }

  /** Reads the lines; those that are not understood are left out. */
  public static KeyedSizes parse(List<String> lines) {
    Map<String, Long> bytes = new HashMap<>();
    for (String line : lines) {
      String[] words = line.strip().split("\\s+", -1);
      int first = words[0].equals("Node") ? 2 : 0;
      if (words.length < first + 2) {
        continue;
      }
      OptionalLong number = Numbers.parse(words[first + 1]);
      boolean kilobytes = words.length > first + 2 && words[first + 2].equals("kB");
      if (number.isEmpty() || (kilobytes && number.getAsLong() > Long.MAX_VALUE / 1024)) {
        continue;
      }
      String key = words[first];
      bytes.put(
          key.endsWith(":") ? key.substring(0, key.length() - 1) : key,
          kilobytes ? number.getAsLong() * 1024 : number.getAsLong());
    }
    return new KeyedSizes(Map.copyOf(bytes));
  }

  /** The number of a key, in bytes; empty if there is none. */
  public OptionalLong get(String key) {
    Long value = bytes.get(key);
    return value == null ? OptionalLong.empty() : OptionalLong.of(value);
  }
}
