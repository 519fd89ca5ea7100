package dev.warmgate.onnx;

import dev.warmgate.onnx.ExpertTensor.Role;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/**
 * Makes a {@link MoeLayer} of a node, or says why not.
 *
 * <p>Names and defaults are those of ONNX Runtime's operators; what its CPU kernels refuse is
 * refused here as well, apart from {@code swiglu_fusion=2}.
 */
final class MoeLayerReader {
  private static final Set<String> ACTIVATIONS =
      Set.of("relu", "gelu", "silu", "identity", "swiglu");
  private static final Set<ElementType> FLOATS =
      Set.of(ElementType.FLOAT, ElementType.FLOAT16, ElementType.BFLOAT16);

  private final Scope scope;
  private final OnnxNode node;
  private final boolean quantised;
  private final List<ExpertTensor> tensors = new ArrayList<>();

  MoeLayerReader(Scope scope, OnnxNode node) {
    this.scope = scope;
    this.node = node;
    this.quantised = node.opType().equals("QMoE");
  }

  /** Why a node isn't served. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    Refused(String reason) {
      super(reason);
    }
  }

  MoeLayer read() throws Refused {
    MoeActivation activation = activation();
    refuseOtherInputs();
    int packing = packing();
    Initializer fc1 = constant(2, Role.FC1_WEIGHTS, 3);
    Initializer fc2 = constant(quantised ? 5 : 4, Role.FC2_WEIGHTS, 3);
    long hidden = fc2.dim(1);
    long rows = fc1.dim(1);
    long inner = quantised ? rows / (activation.gated() ? 2 : 1) : fc2.dim(2);
    var shape = new Shape(fc1.dim(0), hidden, inner, activation.gated() ? 2 * inner : inner);
    checkMatrices(shape, fc1, fc2, packing);
    Gate gate = new GateFinder(scope, (int) shape.experts).find(node.input(1));
    refuseOlderOrder(shape, fc1, fc2, gate);
    int topK = topK(shape.experts);

    WeightFormat format;
    if (quantised) {
      add(Role.FC1_WEIGHTS, fc1);
      int block = scales(Role.FC1_SCALES, 3, shape.experts, shape.rows, hidden);
      boolean zeros =
          zeroPoints(Role.FC1_ZERO_POINTS, 11, shape.experts, shape.rows, hidden, packing);
      bias(Role.FC1_BIAS, 4, shape.experts, shape.rows);
      add(Role.FC2_WEIGHTS, fc2);
      block = Math.max(block, scales(Role.FC2_SCALES, 6, shape.experts, hidden, inner));
      zeros |= zeroPoints(Role.FC2_ZERO_POINTS, 12, shape.experts, hidden, inner, packing);
      bias(Role.FC2_BIAS, 7, shape.experts, hidden);
      format = new WeightFormat(fc1.type(), 8 / packing, block, true, zeros);
    } else {
      add(Role.FC1_WEIGHTS, fc1);
      bias(Role.FC1_BIAS, 3, shape.experts, shape.rows);
      add(Role.FC2_WEIGHTS, fc2);
      bias(Role.FC2_BIAS, 5, shape.experts, hidden);
      format = new WeightFormat(fc1.type(), fc1.type().bits(), 0, false, false);
    }
    return new MoeLayer(
        Shapes.printable(node.label()),
        node.opType(),
        scope.path(),
        (int) shape.experts,
        topK,
        (int) hidden,
        (int) inner,
        activation,
        node.intAttribute("normalize_routing_weights", 0) == 1,
        format,
        gate,
        tensors);
  }

  /** Sizes that all tensors must agree on; {@code rows} are those of the first matrix. */
  private record Shape(long experts, long hidden, long inner, long rows) {}

  private MoeActivation activation() throws Refused {
    String type = node.textAttribute("activation_type", "relu");
    if (!ACTIVATIONS.contains(type)) {
      throw new Refused("unknown activation_type '" + Shapes.printable(type) + "'");
    }
    long fusion = node.intAttribute("swiglu_fusion", 0);
    float limit = node.realAttribute("swiglu_limit", Float.POSITIVE_INFINITY);
    if (type.equals("swiglu")) {
      if (fusion != 1 && fusion != 2) {
        throw new Refused("swiglu_fusion=" + fusion + ": gate and linear part in two matrices");
      }
      if (!(limit >= 0)) {
        throw new Refused("swiglu_limit=" + limit + " is not a limit");
      }
    }
    return new MoeActivation(
        type,
        (int) fusion,
        node.realAttribute("activation_alpha", 1),
        node.realAttribute("activation_beta", 0),
        limit);
  }

  private void refuseOtherInputs() throws Refused {
    int[] fc3 = quantised ? new int[] {8, 9, 10, 13} : new int[] {6, 7};
    for (int input : fc3) {
      if (!node.input(input).isEmpty()) {
        throw new Refused("a third matrix per expert (fc3)");
      }
    }
    if (quantised && !node.input(14).isEmpty()) {
      throw new Refused("router_weights apart from the gate logits");
    }
    String type = node.textAttribute("quant_type", "int");
    if (quantised && !type.equals("int")) {
      throw new Refused("quant_type '" + Shapes.printable(type) + "'");
    }
    if (quantised && node.intAttribute("weights_prepacked", 0) > 0) {
      throw new Refused("weights prepacked for another execution provider");
    }
  }

  private int packing() throws Refused {
    if (!quantised) {
      return 1;
    }
    long bits = node.intAttribute("expert_weight_bits", 4);
    if (bits != 2 && bits != 4 && bits != 8) {
      throw new Refused("expert_weight_bits=" + bits);
    }
    return (int) (8 / bits);
  }

  private int topK(long experts) throws Refused {
    long k = node.intAttribute("k", 1);
    if (k < 1 || k > experts) {
      throw new Refused("k=" + k + " of " + experts + " experts");
    }
    if (k > MoeFinder.MAX_TOP_K) {
      throw new Refused("k=" + k + ", more than " + MoeFinder.MAX_TOP_K);
    }
    if (node.intAttribute("use_sparse_mixer", 0) == 1 && k != 2) {
      throw new Refused("use_sparse_mixer with k=" + k + ", which must be 2");
    }
    return (int) k;
  }

  private void checkMatrices(Shape shape, Initializer fc1, Initializer fc2, int packing)
      throws Refused {
    for (Initializer matrix : List.of(fc1, fc2)) {
      for (long dim : matrix.dims()) {
        if (dim < 1 || dim > Integer.MAX_VALUE) {
          throw new Refused(described(matrix) + " has an impossible size");
        }
      }
      boolean typeFits =
          quantised ? matrix.type() == ElementType.UINT8 : FLOATS.contains(matrix.type());
      if (!typeFits || matrix.type() != fc1.type()) {
        throw new Refused(described(matrix) + " is of type " + matrix.type().text());
      }
    }
    boolean fits =
        fc1.dims().equals(List.of(shape.experts, shape.rows, packed(shape.hidden, packing)))
            && fc2.dims()
                .equals(List.of(shape.experts, shape.hidden, packed(shape.inner, packing)));
    if (!fits) {
      boolean older =
          !quantised
              && fc1.dim(1) == fc2.dim(2)
              && fc1.dim(2) == fc2.dim(1) * (shape.rows / shape.inner);
      throw older ? olderOrder(fc1, fc2) : notFitting(fc1, fc2);
    }
  }

  private static Refused notFitting(Initializer fc1, Initializer fc2) {
    return new Refused(described(fc1) + " and " + described(fc2) + " don't fit each other");
  }

  private static Refused olderOrder(Initializer fc1, Initializer fc2) {
    return new Refused(
        described(fc1) + " and " + described(fc2) + " are in the older order of dimensions");
  }

  /**
   * Without a gated activation, the older order {@code [experts, in, out]} looks like the newer
   * with hidden and inner size swapped; where the graph tells how wide hidden states are, it is
   * told apart here.
   */
  private void refuseOlderOrder(Shape shape, Initializer fc1, Initializer fc2, Gate gate)
      throws Refused {
    if (!quantised && shape.hidden != shape.inner && hiddenWidth(gate) == shape.inner) {
      throw olderOrder(fc1, fc2);
    }
  }

  /** The width of the hidden states as far as the graph tells; 0 if it doesn't. */
  private long hiddenWidth(Gate gate) {
    for (GraphValue input : scope.graph().inputs()) {
      if (input.name().equals(node.input(0))
          && !input.dims().isEmpty()
          && input.dims().getLast() instanceof GraphValue.Fixed(long size)) {
        return size;
      }
    }
    return gate instanceof Gate.Found found && found.input().equals(node.input(0))
        ? found.width()
        : 0;
  }

  /** Adds scales; returns the block that shares one, 0 if it is the whole row. */
  private int scales(Role role, int input, long experts, long rows, long columns) throws Refused {
    long block = node.intAttribute("block_size", 0);
    if (block < 0 || (block > 0 && (block < 16 || Long.bitCount(block) != 1))) {
      throw new Refused("block_size=" + block);
    }
    Initializer scales = constant(input, role, block > 0 ? 3 : 2);
    List<Long> expected =
        block > 0 ? List.of(experts, rows, packed(columns, block)) : List.of(experts, rows);
    require(scales, expected);
    if (!FLOATS.contains(scales.type())) {
      throw new Refused(described(scales) + " is of type " + scales.type().text());
    }
    add(role, scales);
    return block >= columns ? 0 : (int) block;
  }

  private boolean zeroPoints(
      Role role, int input, long experts, long rows, long columns, int packing) throws Refused {
    if (node.input(input).isEmpty()) {
      return false;
    }
    long block = node.intAttribute("block_size", 0);
    Initializer points = constant(input, role, block > 0 ? 3 : 2);
    require(
        points,
        block > 0
            ? List.of(experts, rows, packed(packed(columns, block), packing))
            : List.of(experts, packed(rows, packing)));
    add(role, points);
    return true;
  }

  private void bias(Role role, int input, long experts, long width) throws Refused {
    if (!node.input(input).isEmpty()) {
      Initializer bias = constant(input, role, 2);
      require(bias, List.of(experts, width));
      if (!FLOATS.contains(bias.type())) {
        throw new Refused(described(bias) + " is of type " + bias.type().text());
      }
      add(role, bias);
    }
  }

  private void require(Initializer tensor, List<Long> dims) throws Refused {
    if (!tensor.dims().equals(dims)) {
      throw new Refused(described(tensor) + " should be " + Shapes.text(dims));
    }
  }

  private Initializer constant(int input, Role role, int rank) throws Refused {
    String name = node.input(input);
    String what = role.name().toLowerCase(Locale.ROOT);
    if (name.isEmpty()) {
      throw new Refused("no " + what);
    }
    Initializer tensor =
        scope
            .constant(name)
            .orElseThrow(
                () -> new Refused(what + " " + Shapes.printable(name) + " is not a constant"));
    if (tensor.rank() != rank) {
      throw new Refused(described(tensor) + " should have " + rank + " dimensions");
    }
    if (tensor.location() instanceof TensorLocation.Encoded(String field)) {
      throw new Refused(described(tensor) + " is stored as " + field + ", not as raw bytes");
    }
    return tensor;
  }

  private void add(Role role, Initializer tensor) {
    tensors.add(new ExpertTensor(role, tensor, tensor.bytes() / tensor.dim(0)));
  }

  private static long packed(long count, long packing) {
    return (count + packing - 1) / packing;
  }

  private static String described(Initializer tensor) {
    return Shapes.printable(tensor.name()) + " " + Shapes.text(tensor.dims());
  }
}
