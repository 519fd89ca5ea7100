package dev.warmgate.onnx;

import java.util.List;
import java.util.Optional;

/**
 * Walks up from a layer's gate logits to the matrix that makes them: through what only changes
 * shape or type, and through one added bias.
 */
final class GateFinder {
  private static final int LONGEST_WALK = 64;
  private static final String CONTRIB = "com.microsoft";

  private final Scope scope;
  private final int experts;
  private Optional<Initializer> bias = Optional.empty();

  GateFinder(Scope scope, int experts) {
    this.scope = scope;
    this.experts = experts;
  }

  /** Finds the gate behind the value {@code logits}. */
  Gate find(String logits) {
    String value = logits;
    for (int step = 0; step < LONGEST_WALK; step++) {
      Optional<OnnxNode> producer = scope.producer(value);
      if (producer.isEmpty()) {
        String kind = scope.constant(value).isPresent() ? "the constant " : "the graph input ";
        return new Gate.Missing("the gate logits come from " + kind + Shapes.printable(value));
      }
      OnnxNode node = producer.get();
      if (keepsValues(node)) {
        value = node.input(0);
      } else if (node.is("Add")) {
        Optional<Initializer> left = bias(node.input(0));
        Optional<Initializer> right = bias(node.input(1));
        if (bias.isPresent() || left.isPresent() == right.isPresent()) {
          return new Gate.Missing("two values are added at " + Shapes.printable(node.label()));
        }
        bias = left.isPresent() ? left : right;
        value = node.input(left.isPresent() ? 1 : 0);
      } else {
        return product(node);
      }
    }
    return new Gate.Missing("no matrix within " + LONGEST_WALK + " nodes of the gate logits");
  }

  private static boolean keepsValues(OnnxNode node) {
    return node.is("Reshape")
        || node.is("Cast")
        || node.is("Identity")
        || node.is("Flatten")
        || node.is("Squeeze")
        || node.is("Unsqueeze");
  }

  private Optional<Initializer> bias(String name) {
    return scope
        .constant(name)
        .filter(tensor -> tensor.elements() == experts && tensor.rank() > 0)
        .filter(tensor -> tensor.dims().getLast() == experts);
  }

  private Gate product(OnnxNode node) {
    if (node.is("MatMul")) {
      return matrix(node, false);
    }
    if (node.is("Gemm")) {
      return gemm(node);
    }
    if (node.is(CONTRIB, "MatMulNBits")) {
      return quantised(node);
    }
    return new Gate.Missing(
        "the gate logits come out of " + node.opType() + " " + Shapes.printable(node.label()));
  }

  private Gate gemm(OnnxNode node) {
    boolean plain =
        node.intAttribute("transA", 0) == 0
            && node.realAttribute("alpha", 1) == 1
            && node.realAttribute("beta", 1) == 1;
    if (!plain) {
      return new Gate.Missing("Gemm " + Shapes.printable(node.label()) + " scales or transposes");
    }
    Gate refused = addOwnBias(node, 2);
    return refused != null ? refused : matrix(node, node.intAttribute("transB", 0) != 0);
  }

  private Gate quantised(OnnxNode node) {
    Optional<Initializer> packed = scope.constant(node.input(1));
    if (packed.isEmpty() || node.intAttribute("N", 0) != experts) {
      return new Gate.Missing(
          Shapes.printable(node.label()) + " has no constant matrix for " + experts + " experts");
    }
    Gate refused = addOwnBias(node, 5);
    return refused != null
        ? refused
        : new Gate.Found(
            node.opType(),
            node,
            node.input(0),
            packed.get(),
            true,
            bias,
            scope.constant(node.input(2)),
            scope.constant(node.input(3)),
            NormFinder.find(scope, node.input(0), node.intAttribute("K", 0)));
  }

  /** Takes the bias that the product itself adds; returns why not, or null. */
  private Gate addOwnBias(OnnxNode node, int input) {
    if (node.input(input).isEmpty()) {
      return null;
    }
    Optional<Initializer> own = bias(node.input(input));
    if (own.isEmpty() || bias.isPresent()) {
      return new Gate.Missing("unclear bias at " + Shapes.printable(node.label()));
    }
    bias = own;
    return null;
  }

  /** The constant second operand, seen through nodes that retype or transpose it. */
  private Gate matrix(OnnxNode node, boolean transposedByNode) {
    boolean transposed = transposedByNode;
    String value = node.input(1);
    for (int step = 0; step < LONGEST_WALK; step++) {
      Optional<Initializer> tensor = scope.constant(value);
      if (tensor.isPresent()) {
        return checked(node, tensor.get(), transposed);
      }
      Optional<OnnxNode> source = scope.producer(value);
      if (source.filter(each -> each.is("Cast") || each.is("Identity")).isPresent()) {
        value = source.get().input(0);
      } else if (source.filter(GateFinder::swapsTwo).isPresent()) {
        transposed = !transposed;
        value = source.get().input(0);
      } else {
        break;
      }
    }
    return new Gate.Missing(
        "the matrix of " + Shapes.printable(node.label()) + " is not a constant");
  }

  private static boolean swapsTwo(OnnxNode node) {
    OnnxAttribute order = node.attributes().get("perm");
    return node.is("Transpose")
        && (order == null
            || (order instanceof OnnxAttribute.Ints(List<Long> perm)
                && perm.equals(List.of(1L, 0L))));
  }

  private Gate checked(OnnxNode node, Initializer matrix, boolean transposed) {
    if (matrix.rank() != 2 || matrix.dim(transposed ? 0 : 1) != experts) {
      return new Gate.Missing(
          String.format(
              "%s is %s%s, not made for %d experts",
              Shapes.printable(matrix.name()),
              Shapes.text(matrix.dims()),
              transposed ? " transposed" : "",
              experts));
    }
    return new Gate.Found(
        node.opType(),
        node,
        node.input(0),
        matrix,
        transposed,
        bias,
        Optional.empty(),
        Optional.empty(),
        NormFinder.find(scope, node.input(0), matrix.dim(transposed ? 1 : 0)));
  }
}
