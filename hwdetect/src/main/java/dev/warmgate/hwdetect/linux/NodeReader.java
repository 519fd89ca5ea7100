package dev.warmgate.hwdetect.linux;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalLong;

/** Reads the NUMA nodes. */
public final class NodeReader {

  private static final String FOLDER = "/sys/devices/system/node";
  private static final String PREFIX = "node";

  private NodeReader() {}

  /**
   * A node as the kernel describes it.
   *
   * @param id number
   * @param cpus hardware threads
   * @param totalBytes memory; empty if unknown
   * @param freeBytes unused memory; empty if unknown
   */
  public record Node(int id, List<Integer> cpus, OptionalLong totalBytes, OptionalLong freeBytes) {}

  /** The nodes, ascending by number; none if the kernel does not show them. */
  public static List<Node> read(SystemFiles files) {
    List<Node> nodes = new ArrayList<>();
    for (String name : files.names(FOLDER)) {
      OptionalLong id =
          name.startsWith(PREFIX)
              ? Numbers.parse(name.substring(PREFIX.length()))
              : OptionalLong.empty();
      if (id.isPresent() && id.getAsLong() <= Integer.MAX_VALUE) {
        String folder = FOLDER + "/" + name;
        KeyedSizes memory = KeyedSizes.parse(files.lines(folder + "/meminfo"));
        nodes.add(
            new Node(
                (int) id.getAsLong(),
                CpuList.parse(files.line(folder + "/cpulist").orElse("")),
                memory.get("MemTotal"),
                memory.get("MemFree")));
      }
    }
    nodes.sort(Comparator.comparingInt(Node::id));
    return List.copyOf(nodes);
  }
}
