package dev.warmgate.benchmarks.quantised;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import dev.warmgate.benchmarks.ProcessUse;
import dev.warmgate.benchmarks.Sessions;
import dev.warmgate.benchmarks.WorkerProcess;
import dev.warmgate.benchmarks.quantised.Task.Measured;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;

/** One engine in a process of its own. */
final class Worker implements AutoCloseable {
  /** Inputs of one token, so that more experts are in use than the processor's caches hold. */
  private static final int SINGLE_INPUTS = 64;

  private static final int BATCH_INPUTS = 2;
  private static final int LEAST_RUNS = 3;
  private static final double WARM_UP_SHARE = 0.5;

  private final Task task;
  private final OrtEnvironment environment = Sessions.environment();
  private final OrtSession session;
  private final double createMillis;
  private final long createdBytes;

  private Worker(Task task) throws IOException, OrtException {
    this.task = task;
    long begin = System.nanoTime();
    session = Sessions.open(task.model(), task.threads(), task.session(), task.warmgate());
    createMillis = millisSince(begin);
    createdBytes = ProcessUse.peakRssBytes();
  }

  /** The process. */
  public static void main(String[] args) {
    WorkerProcess.work(args, Task.class, Worker::run);
  }

  private static Measured run(Task task) throws IOException, OrtException {
    try (Worker worker = new Worker(task)) {
      return worker.measure();
    }
  }

  private Measured measure() throws IOException, OrtException {
    List<Double> medians = new ArrayList<>();
    try (OutputStream outputs = Files.newOutputStream(Path.of(task.outputs()))) {
      for (int tokens : task.tokens()) {
        medians.add(median(tokens, outputs));
      }
    }
    return new Measured(createMillis, createdBytes, medians);
  }

  private double median(int tokens, OutputStream outputs) throws IOException, OrtException {
    Random random = new Random(tokens);
    List<Map<String, OnnxTensor>> inputs = new ArrayList<>();
    for (int i = 0; i < (tokens == 1 ? SINGLE_INPUTS : BATCH_INPUTS); i++) {
      inputs.add(
          Map.of(
              LayerWriter.HIDDEN, gaussian(random, tokens, task.shape().hidden()),
              LayerWriter.LOGITS, gaussian(random, tokens, task.shape().experts())));
    }
    try (OrtSession.Result first = session.run(inputs.getFirst())) {
      ByteBuffer bytes = ((OnnxTensor) first.get(0)).getByteBuffer();
      byte[] copy = new byte[bytes.remaining()];
      bytes.get(copy);
      outputs.write(copy);
    }
    times(inputs, WARM_UP_SHARE * task.seconds());
    List<Double> times = times(inputs, task.seconds());
    inputs.forEach(input -> input.values().forEach(OnnxTensor::close));
    times.sort(null);
    return times.get(times.size() / 2);
  }

  private List<Double> times(List<Map<String, OnnxTensor>> inputs, double seconds)
      throws OrtException {
    List<Double> times = new ArrayList<>();
    long begin = System.nanoTime();
    while (times.size() < LEAST_RUNS || millisSince(begin) < seconds * 1000) {
      long start = System.nanoTime();
      session.run(inputs.get(times.size() % inputs.size())).close();
      times.add(millisSince(start));
    }
    return times;
  }

  private OnnxTensor gaussian(Random random, int rows, int columns) throws OrtException {
    FloatBuffer values =
        ByteBuffer.allocateDirect(rows * columns * Float.BYTES)
            .order(ByteOrder.nativeOrder())
            .asFloatBuffer();
    while (values.hasRemaining()) {
      values.put((float) random.nextGaussian());
    }
    return OnnxTensor.createTensor(environment, values.flip(), new long[] {rows, columns});
  }

  private static double millisSince(long nanoTime) {
    return (System.nanoTime() - nanoTime) / 1e6;
  }

  @Override
  public void close() throws OrtException {
    session.close();
  }
}
