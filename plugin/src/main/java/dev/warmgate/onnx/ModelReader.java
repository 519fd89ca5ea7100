package dev.warmgate.onnx;

import com.google.protobuf.InvalidProtocolBufferException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Streams one {@code .onnx} file. */
final class ModelReader {
  private final Path path;

  private long irVersion;
  private boolean graphSeen;
  private final List<OnnxGraph> functions = new ArrayList<>();

  ModelReader(Path path) {
    this.path = path.toAbsolutePath().normalize();
  }

  OnnxModel read() throws IOException {
    if (!Files.exists(path)) {
      throw new ModelException(path + ": no such file");
    }
    if (!Files.isRegularFile(path)) {
      throw new ModelException(path + ": not a file");
    }
    long bytes = Files.size(path);
    if (bytes == 0) {
      throw new ModelException(path + ": the file is empty");
    }
    if (bytes > Integer.MAX_VALUE) {
      throw new ModelException(
          path + ": " + bytes + " bytes, but an ONNX file ends below 2 GiB; is it a data file?");
    }
    try (InputStream stream = Files.newInputStream(path)) {
      var in = new ProtoInput(path, stream, (int) bytes);
      try {
        return model(in, bytes);
      } catch (InvalidProtocolBufferException e) {
        throw new ModelException(
            path + ": not an ONNX model, or damaged: unreadable near byte " + in.position(), e);
      }
    }
  }

  private OnnxModel model(ProtoInput in, long bytes) throws IOException {
    var files = new ExternalFiles(path);
    var graph = new GraphReader(in, files);
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.VARINT | 1 << 3 -> irVersion = in.int64();
        case Wire.BYTES | 7 << 3 -> {
          in.message(graph::graph);
          graphSeen = true;
        }
        case Wire.BYTES | 25 << 3 -> {
          var function = new GraphReader(in, files);
          in.message(function::function);
          functions.add(function.result());
        }
        default -> in.skip(tag);
      }
    }
    if (!graphSeen) {
      throw new ModelException(path + ": not an ONNX model: there is no graph in it");
    }
    return new OnnxModel(path, bytes, irVersion, graph.result(), functions);
  }
}
