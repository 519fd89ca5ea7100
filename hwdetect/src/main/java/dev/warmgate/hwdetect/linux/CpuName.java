package dev.warmgate.hwdetect.linux;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * What a processor calls itself in {@code /proc/cpuinfo}. On Arm that is a pair of numbers, of
 * which those of servers and boards have names here.
 *
 * @param vendor for example {@code GenuineIntel} or {@code ARM}; empty if unknown
 * @param model for people; empty if unknown
 */
public record CpuName(String vendor, String model) {

  private static final Map<String, String> IMPLEMENTERS =
      Map.of(
          "0x41",
          "ARM",
          "0x42",
          "Broadcom",
          "0x43",
          "Cavium",
          "0x46",
          "Fujitsu",
          "0x48",
          "HiSilicon",
          "0x4e",
          "NVIDIA",
          "0x51",
          "Qualcomm",
          "0x61",
          "Apple",
          "0x6d",
          "Microsoft",
          "0xc0",
          "Ampere");

  /** Part numbers of the implementer ARM. */
  private static final Map<String, String> ARM_PARTS =
      Map.ofEntries(
          Map.entry("0xd03", "Cortex-A53"),
          Map.entry("0xd05", "Cortex-A55"),
          Map.entry("0xd07", "Cortex-A57"),
          Map.entry("0xd08", "Cortex-A72"),
          Map.entry("0xd0b", "Cortex-A76"),
          Map.entry("0xd0c", "Neoverse-N1"),
          Map.entry("0xd40", "Neoverse-V1"),
          Map.entry("0xd49", "Neoverse-N2"),
          Map.entry("0xd4f", "Neoverse-V2"),
          Map.entry("0xd84", "Neoverse-V3"),
          Map.entry("0xd8e", "Neoverse-N3"));

  /** Reads the lines of the first processor; what is missing is empty. */
  public static CpuName parse(List<String> lines) {
    Map<String, String> values = new HashMap<>();
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon > 0) {
        values.putIfAbsent(line.substring(0, colon).strip(), line.substring(colon + 1).strip());
      }
    }
    String implementer = number(values, "CPU implementer");
    if (implementer.isEmpty()) {
      return new CpuName(
          values.getOrDefault("vendor_id", ""), values.getOrDefault("model name", ""));
    }
    String vendor = IMPLEMENTERS.getOrDefault(implementer, "implementer " + implementer);
    String part = number(values, "CPU part");
    String known = implementer.equals("0x41") ? ARM_PARTS.get(part) : null;
    return new CpuName(vendor, known != null ? known : vendor + " part " + part);
  }

  private static String number(Map<String, String> values, String key) {
    return values.getOrDefault(key, "").toLowerCase(Locale.ROOT);
  }
}
