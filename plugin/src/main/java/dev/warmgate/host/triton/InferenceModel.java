package dev.warmgate.host.triton;

import com.google.gson.JsonObject;
import dev.warmgate.host.session.RunControl;
import dev.warmgate.host.session.Session;
import dev.warmgate.host.session.SessionException;
import dev.warmgate.host.session.Tensor;
import dev.warmgate.host.session.TensorSpec;
import dev.warmgate.kernels.NativeMemory;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.OnnxModel;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/** Tensors in, tensors out: one session, which all instances run. */
final class InferenceModel implements ServedModel {
  private final ModelSettings settings;
  private final Session session;
  private final RunWatch watch;
  private final ModelSignature signature;
  private final Map<String, TensorSpec> outputs = new HashMap<>();
  private final Queue<RunControl> controls = new ConcurrentLinkedQueue<>();

  /** Whether the model keeps to what it says of its outputs' shapes. */
  private volatile boolean shapesHold = true;

  private InferenceModel(ModelSettings settings, Session session, RunWatch watch) {
    this.settings = settings;
    this.session = session;
    this.watch = watch;
    signature =
        new ModelSignature(session.inputs(), session.outputs(), settings.maxBatchSize() > 0);
    session.outputs().forEach(output -> outputs.put(output.name(), output));
  }

  /**
   * Opens the session.
   *
   * @throws IOException in one line, if the file is missing or can't be used
   */
  static InferenceModel open(ModelSettings settings, RunWatch watch) throws IOException {
    Path file = settings.modelFile();
    if (!Files.isRegularFile(file)) {
      throw new IOException("model '%s': %s: no such file".formatted(settings.name(), file));
    }
    try {
      return new InferenceModel(
          settings, Session.open(file, settings.threads(), settings.options()), watch);
    } catch (SessionException e) {
      // Our own reader names the file and the tensor, if it finds something wrong.
      OnnxModel.read(file);
      throw new IOException("model '%s': %s".formatted(settings.name(), e.getMessage()), e);
    }
  }

  @Override
  public Path file() {
    return settings.modelFile();
  }

  @Override
  public JsonObject complete(JsonObject config) {
    return signature.complete(settings.name(), config);
  }

  List<TensorSpec> inputs() {
    return session.inputs();
  }

  TensorSpec output(String name) {
    TensorSpec output = outputs.get(name);
    if (output == null) {
      throw TritonException.invalid("model '%s' has no output '%s'", settings.name(), name);
    }
    return output;
  }

  boolean batched() {
    return signature.batched();
  }

  boolean shapesHold() {
    return shapesHold;
  }

  /** From now on no shape is foretold. */
  void shapesDontHold(String why) {
    shapesHold = false;
    Core.warn(
        "model '%s': outputs are copied from now on, since their shapes aren't what the model says: %s"
            .formatted(settings.name(), why));
  }

  /** Runs the session while the requests are waited for. */
  void run(List<Request> requests, Map<String, Tensor> fed, List<String> wanted, Tensor[] results) {
    RunControl free = controls.poll();
    RunControl control = free == null ? new RunControl() : free;
    RunWatch.Run run = watch.begin(requests, control);
    try {
      session.run(fed, wanted, results, control);
    } finally {
      watch.end(run);
      controls.add(control);
    }
  }

  @Override
  public void execute(long instance, long[] requests) {
    new Batch(this, instance, requests).execute();
  }

  /** Runs the model on one element of zero in each open dimension; what it says doesn't matter. */
  @Override
  public void warmUp() {
    List<AutoCloseable> open = new ArrayList<>();
    try {
      Map<String, Tensor> fed = new LinkedHashMap<>();
      for (TensorSpec input : session.inputs()) {
        if (!input.optional()) {
          Tensor tensor = zeros(input, open);
          open.addFirst(tensor);
          fed.put(input.name(), tensor);
        }
      }
      List<String> wanted = session.outputs().stream().map(TensorSpec::name).toList();
      Tensor[] results = new Tensor[wanted.size()];
      run(List.of(), fed, wanted, results);
      open.addAll(0, List.of(results));
    } catch (SessionException e) {
      // Zeros are no input for this model. The first request will be a little slower.
    } finally {
      open.forEach(Batch::closeQuietly);
    }
  }

  private static Tensor zeros(TensorSpec input, List<AutoCloseable> open) {
    long[] dims = input.dims().stream().mapToLong(dim -> Math.max(dim, 1)).toArray();
    long elements = 1;
    for (long dim : dims) {
      elements = Math.multiplyExact(elements, dim);
    }
    if (input.type() == ElementType.STRING) {
      return Tensor.strings(dims, Math.toIntExact(elements), _ -> MemorySegment.NULL);
    }
    long bytes = input.type().bytes(elements);
    NativeMemory.Block block = NativeMemory.allocate(Math.max(bytes, 1));
    open.add(block);
    return Tensor.over(block.memory().address(), bytes, input.type(), dims);
  }

  @Override
  public void close() {
    controls.forEach(RunControl::close);
    session.close();
  }
}
