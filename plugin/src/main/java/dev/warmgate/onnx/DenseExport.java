package dev.warmgate.onnx;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Recognises, with some luck, a model whose experts were exported as ordinary nodes: every expert
 * is computed and most are multiplied by zero. Its mark is a {@code TopK} over a router's scores
 * whose choice is turned into a mask over all experts.
 */
final class DenseExport {
  private static final Set<String> MASK_MAKERS =
      Set.of("ScatterElements", "Scatter", "ScatterND", "OneHot", "Equal", "NonZero");
  private static final Set<String> SCORE_OPS =
      Set.of("Softmax", "Sigmoid", "Cast", "Add", "Reshape", "Identity", "Mul", "Div");
  private static final int MOST_EXPERTS = 4096;
  private static final int LONGEST_WALK = 64;

  private DenseExport() {}

  /** Says so if the main graph looks like one. */
  static Optional<Unsupported> find(Scope scope) {
    Map<String, List<OnnxNode>> users = new HashMap<>();
    for (OnnxNode node : scope.graph().nodes()) {
      node.inputs().forEach(in -> users.computeIfAbsent(in, key -> new ArrayList<>()).add(node));
    }
    List<OnnxNode> routers =
        scope.graph().nodes().stream()
            .filter(node -> node.is("TopK") && scoresOfMatrix(scope, node.input(0)))
            .filter(node -> becomesMask(users, node))
            .toList();
    if (routers.isEmpty()) {
      return Optional.empty();
    }
    String others = routers.size() > 1 ? " (and " + (routers.size() - 1) + " more like it)" : "";
    return Optional.of(
        new Unsupported(
            Shapes.printable(routers.getFirst().label()),
            "looks like the router of a dense export"
                + others
                + ": a TopK whose choice becomes a mask, and no MoE or QMoE node; every expert is"
                + " computed by ordinary nodes, which can't be taken over"));
  }

  private static boolean scoresOfMatrix(Scope scope, String start) {
    String value = start;
    for (int step = 0; step < LONGEST_WALK; step++) {
      Optional<OnnxNode> producer = scope.producer(value);
      if (producer.isEmpty()) {
        return false;
      }
      OnnxNode node = producer.get();
      if (node.is("MatMul") || node.is("Gemm")) {
        return scope
            .constant(node.input(1))
            .filter(matrix -> matrix.rank() == 2)
            .filter(matrix -> Math.min(matrix.dim(0), matrix.dim(1)) <= MOST_EXPERTS)
            .isPresent();
      }
      if (!SCORE_OPS.contains(node.opType())) {
        return node.is("com.microsoft", "MatMulNBits");
      }
      value = scope.constant(node.input(0)).isPresent() ? node.input(1) : node.input(0);
    }
    return false;
  }

  private static boolean becomesMask(Map<String, List<OnnxNode>> users, OnnxNode topK) {
    Deque<String> open = new ArrayDeque<>(topK.outputs());
    Set<String> seen = new HashSet<>(open);
    while (!open.isEmpty() && seen.size() < LONGEST_WALK) {
      for (OnnxNode user : users.getOrDefault(open.poll(), List.of())) {
        if (MASK_MAKERS.contains(user.opType())) {
          return true;
        }
        user.outputs().stream().filter(seen::add).forEach(open::add);
      }
    }
    return false;
  }
}
