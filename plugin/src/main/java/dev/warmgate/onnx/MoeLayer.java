package dev.warmgate.onnx;

import java.util.List;
import java.util.Optional;

/**
 * A Mixture-of-Experts node whose weights are constants of known layout.
 *
 * @param name the node's name, or what identifies it if it has none
 * @param op {@code MoE} or {@code QMoE}
 * @param scope the control-flow bodies around it, outermost first; empty in the main graph
 * @param experts experts of the layer
 * @param topK experts that a token uses, 1 to {@code experts}
 * @param hidden width of the hidden states
 * @param inner width between an expert's two matrices
 * @param activation what stands between them
 * @param normalize whether combine weights are made to sum to one over the selected experts
 * @param format how the matrices are stored
 * @param gate where the gate logits come from
 * @param tensors what an expert is made of, in the order of {@link ExpertTensor.Role}
 */
public record MoeLayer(
    String name,
    String op,
    List<String> scope,
    int experts,
    int topK,
    int hidden,
    int inner,
    MoeActivation activation,
    boolean normalize,
    WeightFormat format,
    Gate gate,
    List<ExpertTensor> tensors) {
  public MoeLayer {
    scope = List.copyOf(scope);
    tensors = List.copyOf(tensors);
  }

  /** Bytes of one expert: matrices, scales, zero points and biases. */
  public long bytesPerExpert() {
    return tensors.stream().mapToLong(ExpertTensor::stride).sum();
  }

  /** Bytes of all experts. */
  public long bytes() {
    return bytesPerExpert() * experts;
  }

  /** The tensor with that role, if the layer has one. */
  public Optional<ExpertTensor> tensor(ExpertTensor.Role role) {
    return tensors.stream().filter(tensor -> tensor.role() == role).findFirst();
  }
}
