package dev.warmgate.onnx;

import static dev.warmgate.onnx.RefusedNodeException.malformed;
import static dev.warmgate.onnx.RefusedNodeException.unsupported;

import dev.warmgate.onnx.ExpertLayout.Part;
import dev.warmgate.onnx.ExpertTensor.Role;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Makes an {@link ExpertLayout} of a node, or says why not. */
final class ExpertLayoutReader {
  private static final Set<ElementType> FLOATS = Set.of(ElementType.FLOAT, ElementType.FLOAT16);

  private static final Map<Role, Integer> MOE =
      Map.of(Role.FC1_WEIGHTS, 2, Role.FC1_BIAS, 3, Role.FC2_WEIGHTS, 4, Role.FC2_BIAS, 5);

  private static final Map<Role, Integer> QMOE =
      Map.of(
          Role.FC1_WEIGHTS, 2,
          Role.FC1_SCALES, 3,
          Role.FC1_BIAS, 4,
          Role.FC2_WEIGHTS, 5,
          Role.FC2_SCALES, 6,
          Role.FC2_BIAS, 7,
          Role.FC1_ZERO_POINTS, 11,
          Role.FC2_ZERO_POINTS, 12);

  private final MoeNodeView node;
  private final MoeAttributes attributes;
  private final boolean quantised;
  private final Map<Role, Integer> inputs;

  ExpertLayoutReader(MoeNodeView node) {
    this.node = node;
    this.attributes = new MoeAttributes(node);
    this.quantised = node.quantised();
    this.inputs = inputs(quantised);
  }

  /** Which input of an operator is which part of the experts. */
  static Map<Role, Integer> inputs(boolean quantised) {
    return quantised ? QMOE : MOE;
  }

  /** Sizes that all tensors must agree on; {@code rows} are those of the first matrix. */
  private record Sizes(long experts, long hidden, long inner, long rows, int packing) {}

  ExpertLayout read() throws RefusedNodeException {
    MoeActivation activation = attributes.activation();
    refuseThirdMatrix();
    if (quantised) {
      attributes.requirePlainIntegers();
    }
    Sizes sizes = sizes(activation.gated() ? 2 : 1, quantised ? attributes.packing() : 1);
    int topK = attributes.topK(sizes.experts);
    boolean routerWeights = quantised && node.input(ExpertLayout.ROUTER_WEIGHTS).isPresent();
    requireActivations(routerWeights);
    WeightFormat format = quantised ? integers(sizes) : reals(sizes);
    List<Part> parts =
        Arrays.stream(Role.values())
            .filter(role -> operand(role).isPresent())
            .map(role -> new Part(role, inputs.get(role)))
            .toList();
    return new ExpertLayout(
        (int) sizes.experts,
        topK,
        (int) sizes.hidden,
        (int) sizes.inner,
        activation,
        attributes.normalize(),
        routerWeights,
        format,
        parts);
  }

  private void refuseThirdMatrix() throws RefusedNodeException {
    for (int input : quantised ? new int[] {8, 9, 10, 13} : new int[] {6, 7}) {
      if (node.input(input).isPresent()) {
        throw unsupported("a third matrix per expert (fc3)");
      }
    }
  }

  private Sizes sizes(int gates, int packing) throws RefusedNodeException {
    List<Long> fc1 = weights(Role.FC1_WEIGHTS).dims();
    List<Long> fc2 = weights(Role.FC2_WEIGHTS).dims();
    long hidden = fc2.get(1);
    long inner = quantised ? fc1.get(1) / gates : fc2.get(2);
    var sizes = new Sizes(fc1.get(0), hidden, inner, gates * inner, packing);
    boolean fits =
        fc1.equals(List.of(sizes.experts, sizes.rows, Math.ceilDiv(hidden, packing)))
            && fc2.equals(List.of(sizes.experts, hidden, Math.ceilDiv(inner, packing)));
    long width = node.input(ExpertLayout.HIDDEN_STATES).map(Operand::width).orElse(-1L);
    boolean fitsHidden = width < 0 || width == hidden;
    // In an older order of dimensions, [E, in, out], H and I change places; what fits the newer
    // one may fit that too.
    boolean older =
        fc1.get(0).equals(fc2.get(0))
            && fc1.get(1) == fc2.get(2) * packing
            && fc1.get(2) * packing == gates * fc2.get(1)
            && (fitsHidden || width == inner);
    String matrices = described(Role.FC1_WEIGHTS) + " and " + described(Role.FC2_WEIGHTS);
    if (older && !(fits && fitsHidden)) {
      throw unsupported(matrices + " are in the older order of dimensions");
    }
    if (!fits) {
      throw malformed(matrices + " don't fit each other");
    }
    if (!fitsHidden) {
      throw malformed(described(Role.FC2_WEIGHTS) + " doesn't fit hidden states of " + width);
    }
    if (hidden % packing != 0 || inner % packing != 0) {
      Role unfilled = hidden % packing != 0 ? Role.FC1_WEIGHTS : Role.FC2_WEIGHTS;
      throw malformed(described(unfilled) + " has rows that don't fill their last byte");
    }
    return sizes;
  }

  private Operand weights(Role role) throws RefusedNodeException {
    Operand matrix = constant(role);
    if (matrix.dims().size() != 3) {
      throw malformed(described(role) + " should have 3 dimensions");
    }
    if (matrix.dims().stream().anyMatch(dim -> dim < 1 || dim > Integer.MAX_VALUE)) {
      throw malformed(described(role) + " has an impossible size");
    }
    requireType(role, quantised ? Set.of(ElementType.UINT8) : FLOATS);
    return matrix;
  }

  /** Types of what isn't constant, as far as they are known: one, for all of it. */
  private void requireActivations(boolean routerWeights) throws RefusedNodeException {
    Set<ElementType> allowed = FLOATS;
    for (int input :
        new int[] {
          ExpertLayout.HIDDEN_STATES, ExpertLayout.ROUTER_PROBS, ExpertLayout.ROUTER_WEIGHTS
        }) {
      if (input == ExpertLayout.ROUTER_WEIGHTS && !routerWeights) {
        continue;
      }
      Operand operand = node.input(input).orElseThrow(() -> malformed("no input " + input));
      if (operand.constant()) {
        throw unsupported("input " + input + " " + operand.name() + " is a constant");
      }
      if (operand.type() != ElementType.UNKNOWN) {
        if (!allowed.contains(operand.type())) {
          throw unsupported(
              "input " + input + " " + operand.name() + " is of type " + operand.type().text());
        }
        allowed = Set.of(operand.type());
      }
    }
  }

  private WeightFormat reals(Sizes sizes) throws RefusedNodeException {
    ElementType type = weights(Role.FC1_WEIGHTS).type();
    requireType(Role.FC2_WEIGHTS, Set.of(type));
    Optional<ElementType> biases = biases(sizes, Set.of(type));
    return new WeightFormat(type, type.bits(), 0, Optional.empty(), biases, false);
  }

  private WeightFormat integers(Sizes sizes) throws RefusedNodeException {
    var scaling = new Scaling(attributes.block(), sizes.hidden, sizes.packing);
    ElementType scales = constant(Role.FC1_SCALES).type();
    requireType(Role.FC1_SCALES, FLOATS);
    requireShape(Role.FC1_SCALES, scaling.scales(sizes.experts, sizes.rows, sizes.hidden));
    requireShape(Role.FC2_SCALES, scaling.scales(sizes.experts, sizes.hidden, sizes.inner));
    requireType(Role.FC2_SCALES, Set.of(scales));
    checkZeroPoints(Role.FC1_ZERO_POINTS, scaling, sizes, sizes.rows, sizes.hidden);
    checkZeroPoints(Role.FC2_ZERO_POINTS, scaling, sizes, sizes.hidden, sizes.inner);
    return new WeightFormat(
        ElementType.UINT8,
        Byte.SIZE / sizes.packing,
        Math.toIntExact(scaling.block()),
        Optional.of(scales),
        biases(sizes, FLOATS),
        operand(Role.FC1_ZERO_POINTS).isPresent() || operand(Role.FC2_ZERO_POINTS).isPresent());
  }

  private void checkZeroPoints(Role role, Scaling scaling, Sizes sizes, long rows, long columns)
      throws RefusedNodeException {
    if (operand(role).isEmpty()) {
      return;
    }
    constant(role);
    requireType(role, Set.of(ElementType.UINT8));
    if (scaling.misread(columns)) {
      throw unsupported(
          described(role)
              + ": ONNX Runtime reads those of a single block as if they were row-wise");
    }
    requireShape(role, List.of(scaling.zeroPoints(sizes.experts, rows, columns)));
  }

  /** The one type of all biases, if there are any. */
  private Optional<ElementType> biases(Sizes sizes, Set<ElementType> types)
      throws RefusedNodeException {
    Set<ElementType> allowed = types;
    for (Role role : new Role[] {Role.FC1_BIAS, Role.FC2_BIAS}) {
      if (operand(role).isPresent()) {
        long width = role == Role.FC1_BIAS ? sizes.rows : sizes.hidden;
        constant(role);
        requireShape(role, List.of(List.of(sizes.experts, width)));
        requireType(role, allowed);
        allowed = Set.of(operand(role).get().type());
      }
    }
    return operand(Role.FC1_BIAS).or(() -> operand(Role.FC2_BIAS)).map(Operand::type);
  }

  private Optional<Operand> operand(Role role) {
    return inputs.containsKey(role) ? node.input(inputs.get(role)) : Optional.empty();
  }

  private Operand constant(Role role) throws RefusedNodeException {
    Operand operand = operand(role).orElseThrow(() -> malformed("no " + name(role)));
    if (!operand.constant()) {
      throw unsupported(name(role) + " " + operand.name() + " is not a constant");
    }
    return operand;
  }

  private void requireShape(Role role, List<List<Long>> allowed) throws RefusedNodeException {
    if (!allowed.contains(constant(role).dims())) {
      throw malformed(described(role) + " should be " + Shapes.text(allowed.getFirst()));
    }
  }

  private void requireType(Role role, Set<ElementType> allowed) throws RefusedNodeException {
    ElementType type = constant(role).type();
    if (!allowed.contains(type)) {
      throw unsupported(described(role) + " is of type " + type.text());
    }
  }

  private String described(Role role) {
    return name(role) + operand(role).map(tensor -> " " + tensor.text()).orElse("");
  }

  private static String name(Role role) {
    return role.name().toLowerCase(Locale.ROOT);
  }
}
