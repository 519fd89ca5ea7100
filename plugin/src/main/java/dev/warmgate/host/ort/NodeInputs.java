package dev.warmgate.host.ort;

import dev.warmgate.onnx.ExpertLayout;
import java.util.ArrayList;
import java.util.List;

/**
 * Which inputs of a fused node are which. It has those of the node that was claimed, but for
 * constants, and a value that is there twice only once.
 *
 * @param hidden states
 * @param logits of the gate
 * @param shares combine weights; −1 if they come from the logits
 */
record NodeInputs(int hidden, int logits, int shares) {
  /** What stands for no input. */
  static final int NONE = -1;

  /**
   * Finds them.
   *
   * @param fusedNode which stands for {@code node}
   */
  static NodeInputs of(OrtApi api, MoeNode node, long fusedNode) {
    List<String> names = new ArrayList<>();
    for (long input : api.nodeInputs(fusedNode)) {
      names.add(input == 0 ? "" : api.valueName(input));
    }
    return new NodeInputs(
        find(api, names, node, ExpertLayout.HIDDEN_STATES),
        find(api, names, node, ExpertLayout.ROUTER_PROBS),
        node.form().layout().routerWeights()
            ? find(api, names, node, ExpertLayout.ROUTER_WEIGHTS)
            : NONE);
  }

  private static int find(OrtApi api, List<String> names, MoeNode node, int input) {
    int index = names.indexOf(api.valueName(node.graph().valueInfo(input)));
    if (index < 0) {
      throw new IllegalStateException(
          "%s: input %d is none of the fused node's".formatted(node.name(), input));
    }
    return index;
  }
}
