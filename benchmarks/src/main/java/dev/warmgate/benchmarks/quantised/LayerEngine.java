package dev.warmgate.benchmarks.quantised;

import dev.warmgate.benchmarks.Sessions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An engine as it is set up for a run.
 *
 * @param name in reports
 * @param environment of its process, beside what is inherited
 * @param session entries of ONNX Runtime's session configuration
 * @param warmgate Warmgate's options; empty for ONNX Runtime alone
 */
record LayerEngine(
    String name,
    Map<String, String> environment,
    Map<String, String> session,
    Optional<Map<String, String>> warmgate) {
  /** ONNX Runtime's switch for its faster int4 kernel; read from the environment. */
  private static final String FAST_KERNEL = "ORT_USE_MLAS_Q4_GEMM_MOE";

  /** The engines that such weights can be given to; the first is the one others must agree with. */
  static List<LayerEngine> all(Weights weights) {
    LayerEngine stock = stock("stock", Map.of(), Map.of());
    LayerEngine unpacked = stock("stock, no prepacking", Map.of(), Sessions.NO_PREPACKING);
    return switch (weights) {
      case INT4 ->
          List.of(
              stock,
              unpacked,
              stock("stock, its faster kernel", Map.of(FAST_KERNEL, "1"), Map.of()),
              warmgate("exact", Map.of("precision", "exact")),
              warmgate("fast", Map.of("precision", "fast")));
      case FP32 -> List.of(stock, unpacked, warmgate("warmgate", Map.of()));
    };
  }

  private static LayerEngine stock(
      String name, Map<String, String> environment, Map<String, String> session) {
    return new LayerEngine(name, environment, session, Optional.empty());
  }

  private static LayerEngine warmgate(String name, Map<String, String> more) {
    Map<String, String> options = new HashMap<>(more);
    options.putAll(Map.of("expert_memory", "100%", "warm_start", "off"));
    return new LayerEngine(name, Map.of(), Map.of(), Optional.of(Map.copyOf(options)));
  }

  boolean stock() {
    return warmgate.isEmpty();
  }
}
