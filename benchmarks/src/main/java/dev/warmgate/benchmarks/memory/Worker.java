package dev.warmgate.benchmarks.memory;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.benchmarks.ProcessUse;
import dev.warmgate.benchmarks.Sessions;
import dev.warmgate.benchmarks.WorkerProcess;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.metrics.ResidencyStats;
import dev.warmgate.metrics.RoutingStats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * One engine in a process of its own: decodes token by token and says how that went, as JSON.
 *
 * <p>One thread; inputs lie in memory that ONNX Runtime reads in place.
 */
final class Worker implements AutoCloseable {
  private final Task task;
  private final ResidualStream stream;
  private final OrtSession session;
  private final Optional<WarmgateProvider> warmgate;
  private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
  private final Map<String, FloatBuffer> values = new LinkedHashMap<>();

  private Worker(Task task) throws IOException, OrtException {
    this.task = task;
    stream = new ResidualStream(task.shape(), Routes.load(Path.of(task.routes())), task.seed());
    warmgate = task.warmgate() == null ? Optional.empty() : Optional.of(Sessions.warmgate());
    session = Sessions.open(task.model(), task.threads(), task.session(), task.warmgate());
    addInput(DecoderWriter.HIDDEN);
    for (int layer = 0; layer < task.shape().layers(); layer++) {
      addInput(DecoderWriter.attention(layer));
    }
  }

  private void addInput(String name) throws OrtException {
    int hidden = task.shape().hidden();
    FloatBuffer buffer =
        ByteBuffer.allocateDirect(hidden * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    values.put(name, buffer);
    inputs.put(
        name, OnnxTensor.createTensor(Sessions.environment(), buffer, new long[] {1, hidden}));
  }

  /** The process. */
  public static void main(String[] args) {
    WorkerProcess.work(args, Task.class, Worker::run);
  }

  /** Runs a task in this process. */
  static Measured run(Task task) throws IOException, OrtException {
    try (Worker worker = new Worker(task)) {
      return worker.measure();
    }
  }

  private Measured measure() throws IOException, OrtException {
    int token = 0;
    try (FileChannel outputs =
        FileChannel.open(
            Path.of(task.outputs()),
            StandardOpenOption.CREATE,
            StandardOpenOption.TRUNCATE_EXISTING,
            StandardOpenOption.WRITE)) {
      long begin = System.nanoTime();
      while (token < task.warmUp()
          && (token < task.compared() || since(begin) < task.warmUpSeconds())) {
        decode(token, token < task.compared() ? Optional.of(outputs) : Optional.empty());
        token++;
      }
    }
    ResidencyStats residency = residency();
    RoutingStats routing = routing();
    long read = ProcessUse.readBytes();
    int first = token;
    long begin = System.nanoTime();
    while (token < first + task.tokens() && since(begin) < task.seconds()) {
      decode(token++, Optional.empty());
    }
    double seconds = since(begin);
    long readBytes = ProcessUse.readBytes() - read;
    residency = residency().since(residency);
    routing = routing().since(routing);
    return new Measured(
        first,
        token - first,
        seconds,
        readBytes,
        ProcessUse.peakRssBytes(),
        warmgate.isEmpty() ? Double.NaN : residency.hitRate(),
        residency.waitNanos() / 1e9,
        residency.loads(),
        residency.prefetches(),
        residency.budgetBytes(),
        routing.agreement(),
        routing.massKept());
  }

  private static double since(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e9;
  }

  private void decode(int token, Optional<FileChannel> outputs) throws IOException, OrtException {
    stream.hidden(token, values.get(DecoderWriter.HIDDEN).clear());
    for (int layer = 0; layer < task.shape().layers(); layer++) {
      stream.attention(token, layer, values.get(DecoderWriter.attention(layer)).clear());
    }
    try (OrtSession.Result result = session.run(inputs)) {
      if (outputs.isPresent()) {
        ByteBuffer bytes = ((OnnxTensor) result.get(0)).getByteBuffer();
        while (bytes.hasRemaining()) {
          outputs.get().write(bytes);
        }
      }
    }
  }

  private ResidencyStats residency() {
    return warmgate.map(WarmgateProvider::statistics).orElse(ResidencyStats.NONE);
  }

  private RoutingStats routing() {
    return warmgate
        .map(WarmgateProvider::routingStatistics)
        .orElse(new RoutingStats(0, 0, 0, 0, 0, 0));
  }

  @Override
  public void close() throws OrtException {
    inputs.values().forEach(OnnxTensor::close);
    session.close();
  }
}
