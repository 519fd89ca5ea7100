package dev.warmgate.hwdetect;

import java.util.List;

/**
 * How memory is spread over nodes.
 *
 * @param nodes ascending by id; empty if unknown
 */
public record Numa(List<NumaNode> nodes) {

  /** Copies the list. */
  public Numa {
    nodes = List.copyOf(nodes);
  }
}
