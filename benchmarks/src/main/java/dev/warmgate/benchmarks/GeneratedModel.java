package dev.warmgate.benchmarks;

import dev.warmgate.onnx.proto.GraphProto;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.OperatorSetIdProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import dev.warmgate.onnx.proto.TensorProto.DataType;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.Consumer;

/**
 * A model that a benchmark makes: its large tensors are external data, written as they are made.
 */
public final class GeneratedModel implements AutoCloseable {
  private static final int ALIGNMENT = 4096;
  private static final int CHUNK_BYTES = 1 << 20;

  private final Path file;
  private final FileChannel data;
  private final Noise noise;
  private final GraphProto.Builder graph;
  private long dataEnd;
  private long drawn;

  /**
   * Begins a model.
   *
   * @param file of the graph, which {@link #save} writes
   * @param seed of {@link #matrices}
   */
  public GeneratedModel(Path file, String graphName, long seed) throws IOException {
    this.file = file;
    noise = new Noise(seed);
    graph = GraphProto.newBuilder().setName(graphName);
    data =
        FileChannel.open(
            dataFile(file),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE);
  }

  /** Where a model's external data is. */
  public static Path dataFile(Path model) {
    return model.resolveSibling(model.getFileName() + ".data");
  }

  /** The graph, to which nodes and small tensors can be added. */
  public GraphProto.Builder graph() {
    return graph;
  }

  /**
   * Adds one fp32 matrix of each expert, random, such that what it makes is as large as what it
   * takes; returns its name.
   */
  public String matrices(String name, int experts, int rows, int columns) throws IOException {
    float scale = (float) Math.sqrt(3.0 / columns);
    return floats(
        name,
        values -> {
          while (values.hasRemaining()) {
            values.put(noise.uniform(drawn++) * scale);
          }
        },
        experts,
        rows,
        columns);
  }

  /**
   * Adds an fp32 tensor; returns its name.
   *
   * @param source fills each buffer that it is given, from the first values to the last
   */
  public String floats(String name, Consumer<FloatBuffer> source, long... dims) throws IOException {
    return external(
        name,
        DataType.FLOAT_VALUE,
        Float.BYTES,
        chunk -> source.accept(chunk.asFloatBuffer()),
        dims);
  }

  /**
   * Adds a tensor of bytes; returns its name.
   *
   * @param source fills each array that it is given, from the first bytes to the last
   */
  public String bytes(String name, Consumer<byte[]> source, long... dims) throws IOException {
    return external(
        name,
        DataType.UINT8_VALUE,
        1,
        chunk -> {
          byte[] values = new byte[chunk.remaining()];
          source.accept(values);
          chunk.duplicate().put(values);
        },
        dims);
  }

  private String external(
      String name, int type, int elementBytes, Consumer<ByteBuffer> source, long... dims)
      throws IOException {
    var tensor =
        TensorProto.newBuilder()
            .setName(name)
            .setDataType(type)
            .setDataLocation(TensorProto.DataLocation.EXTERNAL);
    long bytes = elementBytes;
    for (long dim : dims) {
      tensor.addDims(dim);
      bytes = Math.multiplyExact(bytes, dim);
    }
    long offset = Math.ceilDiv(dataEnd, ALIGNMENT) * ALIGNMENT;
    ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    for (long done = 0; done < bytes; done += chunk.limit()) {
      source.accept(chunk.clear().limit((int) Math.min(CHUNK_BYTES, bytes - done)));
      write(chunk, offset + done);
    }
    dataEnd = offset + bytes;
    graph.addInitializer(
        tensor
            .addExternalData(entry("location", dataFile(file).getFileName().toString()))
            .addExternalData(entry("offset", Long.toString(offset)))
            .addExternalData(entry("length", Long.toString(bytes))));
    return name;
  }

  private void write(ByteBuffer chunk, long offset) throws IOException {
    try {
      while (chunk.hasRemaining()) {
        data.write(chunk, offset + chunk.position());
      }
    } catch (IOException e) {
      throw new IOException(dataFile(file) + ": " + e.getMessage(), e); // a full disk, most likely
    }
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  /** Waits until the external data is on the disk, then writes the graph. */
  public void save() throws IOException {
    data.force(true);
    ModelProto model =
        ModelProto.newBuilder()
            .setIrVersion(8)
            .setProducerName("warmgate-benchmarks")
            .addOpsetImport(OperatorSetIdProto.newBuilder().setDomain("").setVersion(17))
            .addOpsetImport(
                OperatorSetIdProto.newBuilder().setDomain(OnnxProtos.CONTRIB).setVersion(1))
            .setGraph(graph)
            .build();
    try (OutputStream out = Files.newOutputStream(file)) {
      model.writeTo(out);
    }
  }

  @Override
  public void close() throws IOException {
    data.close();
  }
}
