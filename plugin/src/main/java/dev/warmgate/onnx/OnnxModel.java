package dev.warmgate.onnx;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/**
 * An ONNX model, without its weights.
 *
 * @param path the {@code .onnx} file, absolute
 * @param fileBytes its size, external data not included
 * @param irVersion version of the file format
 * @param graph the main graph
 * @param functions bodies of the model's own functions, each named {@code domain::name}
 */
public record OnnxModel(
    Path path, long fileBytes, long irVersion, OnnxGraph graph, List<OnnxGraph> functions) {
  public OnnxModel {
    functions = List.copyOf(functions);
  }

  /**
   * Streams a model: reads its graph, skips its weights.
   *
   * @throws ModelException if the file is missing, not an ONNX model, damaged, or refers to
   *     external data that is missing, too short, of another size than the tensor, or outside the
   *     model's folder
   * @throws IOException if reading fails
   */
  public static OnnxModel read(Path path) throws IOException {
    return new ModelReader(path).read();
  }
}
