package dev.warmgate.host.triton;

import dev.warmgate.host.session.TensorSpec;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The shapes that outputs will have, as far as the model says so: a dimension is fixed, or it has
 * the name of a dimension of an input. Where that is known before a run, the output can be written
 * straight into the response.
 */
final class OutputShapes {
  private final Map<String, Long> sizes = new HashMap<>();

  private OutputShapes() {}

  /**
   * Learns what the inputs of a request tell.
   *
   * @param given the inputs that there are, with their real shapes
   */
  static OutputShapes of(Collection<TensorSpec> specs, Map<String, Request.Input> given) {
    OutputShapes shapes = new OutputShapes();
    for (TensorSpec spec : specs) {
      Request.Input input = given.get(spec.name());
      for (int i = 0; input != null && i < spec.dims().size() && i < input.dims().length; i++) {
        if (spec.dims().get(i) < 0 && !spec.symbols().get(i).isEmpty()) {
          shapes.sizes.merge(
              spec.symbols().get(i), input.dims()[i], (a, b) -> a.equals(b) ? a : -1);
        }
      }
    }
    return shapes;
  }

  /** The shape of an output; empty if the model doesn't say. */
  Optional<long[]> of(TensorSpec output) {
    long[] dims = new long[output.dims().size()];
    for (int i = 0; i < dims.length; i++) {
      dims[i] = output.dims().get(i);
      if (dims[i] < 0) {
        dims[i] = sizes.getOrDefault(output.symbols().get(i), -1L);
      }
      if (dims[i] < 0) {
        return Optional.empty();
      }
    }
    return Optional.of(dims);
  }
}
