package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeSet;

/** Lists of numbers like {@code 0-3,8,10-11}, as the kernel writes sets of CPUs and nodes. */
public final class CpuList {

  /** No kernel has more CPUs; a larger number is bad text. */
  private static final int MAX = 1 << 16;

  private CpuList() {}

  /** The numbers, ascending; parts that are not understood are left out. */
  public static List<Integer> parse(String text) {
    TreeSet<Integer> numbers = new TreeSet<>();
    for (String part : text.strip().split(",", -1)) {
      int dash = part.indexOf('-');
      OptionalLong first = Numbers.parse(dash < 0 ? part : part.substring(0, dash));
      OptionalLong last = Numbers.parse(dash < 0 ? part : part.substring(dash + 1));
      if (first.isPresent() && last.isPresent() && last.getAsLong() < MAX) {
        for (long n = first.getAsLong(); n <= last.getAsLong(); n++) {
          numbers.add((int) n);
        }
      }
    }
    return List.copyOf(new ArrayList<>(numbers));
  }
}
