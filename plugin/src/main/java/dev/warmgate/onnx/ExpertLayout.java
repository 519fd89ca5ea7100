package dev.warmgate.onnx;

import dev.warmgate.onnx.ExpertTensor.Role;
import java.util.List;
import java.util.Optional;

/**
 * What a MoE node says of its experts, checked: sizes, function, and which inputs hold their parts.
 *
 * @param experts E
 * @param topK experts that a token uses, 1 to E
 * @param hidden H, width of the hidden states
 * @param inner I, width between an expert's two matrices
 * @param activation what stands between them
 * @param normalize whether combine weights are made to sum to one over the selected experts
 * @param routerWeights whether combine weights come from input {@link #ROUTER_WEIGHTS}
 * @param format how the matrices are stored
 * @param parts what an expert is made of, in the order of {@link Role}
 */
public record ExpertLayout(
    int experts,
    int topK,
    int hidden,
    int inner,
    MoeActivation activation,
    boolean normalize,
    boolean routerWeights,
    WeightFormat format,
    List<Part> parts) {

  /** The input of hidden states. */
  public static final int HIDDEN_STATES = 0;

  /** The input of gate logits. */
  public static final int ROUTER_PROBS = 1;

  /** The input of combine weights, of {@code QMoE} only. */
  public static final int ROUTER_WEIGHTS = 14;

  /**
   * One part of the experts.
   *
   * @param input of the node
   */
  public record Part(Role role, int input) {}

  public ExpertLayout {
    parts = List.copyOf(parts);
  }

  /**
   * Reads a node.
   *
   * @throws RefusedNodeException if it can't be served
   */
  public static ExpertLayout read(MoeNodeView node) throws RefusedNodeException {
    return new ExpertLayoutReader(node).read();
  }

  /** The input that holds a part, if experts have it. */
  public Optional<Integer> input(Role role) {
    return parts.stream().filter(part -> part.role() == role).map(Part::input).findFirst();
  }
}
