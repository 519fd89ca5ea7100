package dev.warmgate.host.session;

import dev.warmgate.onnx.ElementType;
import java.util.List;

/**
 * An input or output of a session.
 *
 * @param dims −1 where the model leaves them open
 * @param symbols the names that the model gives to open dimensions, empty where it gives none;
 *     equal names stand for equal sizes
 * @param optional whether a run may go without this input, for which the model has a value then
 */
public record TensorSpec(
    String name, ElementType type, List<Long> dims, List<String> symbols, boolean optional) {

  /** Keeps the lists as they are now. */
  public TensorSpec {
    dims = List.copyOf(dims);
    symbols = List.copyOf(symbols);
  }
}
