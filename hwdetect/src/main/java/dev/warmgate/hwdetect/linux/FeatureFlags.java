package dev.warmgate.hwdetect.linux;

import java.util.Collections;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** Feature lines of {@code /proc/cpuinfo}: {@code flags} on x86, {@code Features} on Arm. */
public final class FeatureFlags {

  private FeatureFlags() {}

  /**
   * The features that all feature lines name. Cores of one machine may differ, and a thread may run
   * on any of them.
   */
  public static SortedSet<String> parse(List<String> lines) {
    SortedSet<String> common = null;
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon < 0 || !isKey(line.substring(0, colon).strip())) {
        continue;
      }
      SortedSet<String> features = new TreeSet<>();
      for (String feature : line.substring(colon + 1).strip().split("\\s+", -1)) {
        if (!feature.isEmpty()) {
          features.add(feature);
        }
      }
      if (common == null) {
        common = features;
      } else {
        common.retainAll(features);
      }
    }
    return common == null ? Collections.emptySortedSet() : common;
  }

  private static boolean isKey(String key) {
    return key.equals("flags") || key.equals("Features");
  }
}
