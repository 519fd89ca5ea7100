package dev.warmgate.expert;

import dev.warmgate.kernels.FfnShape;
import dev.warmgate.kernels.RealType;
import dev.warmgate.residency.LayerStore;
import dev.warmgate.routing.GateRule;
import java.util.stream.Stream;

/**
 * What is known of an MoE layer when a session is made.
 *
 * @param name of the node in the model
 * @param shape of every expert, and how its weights are stored
 * @param rule how the operator selects
 * @param values what a call brings and gets: hidden states, gate logits, combine weights, results
 * @param fc1 {@code [E, rows1, H]}
 * @param fc2 {@code [E, H, I]}
 */
public record LayerSpec(
    String name, FfnShape shape, GateRule rule, RealType values, MatrixPlace fc1, MatrixPlace fc2) {

  /**
   * @throws IllegalArgumentException in one line that names layer and tensor, if a tensor's bytes
   *     are not what the shape says
   */
  public LayerSpec {
    fc1.check(name, "fc1", shape.format(), rule.experts(), shape.rows1(), shape.hidden());
    fc2.check(name, "fc2", shape.format(), rule.experts(), shape.hidden(), shape.inner());
  }

  /** Where the experts are, part by part in the order in which {@link SlotViews} finds them. */
  LayerStore store() {
    return new LayerStore(name, rule.experts(), Stream.concat(fc1.parts(), fc2.parts()).toList());
  }
}
