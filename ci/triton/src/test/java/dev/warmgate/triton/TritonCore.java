package dev.warmgate.triton;

import static org.bytedeco.tritonserver.global.tritonserver.*;

import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.function.Consumer;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.LongPointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_Error;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_InferenceRequest;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_InferenceTrace;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_Message;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_Metrics;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_Server;
import org.bytedeco.tritonserver.tritonserver.TRITONSERVER_ServerOptions;

/** A real Triton core in this process, over a model repository. Models are loaded when told. */
final class TritonCore implements AutoCloseable {
  /**
   * A core up to 2.51, at least, crashes if a model goes in the moment after it was loaded,
   * whatever its backend: the thread of its instance has yet to come back from warming up, and its
   * list of instances is empty until then. Nothing tells when that is over.
   */
  private static final int SETTLE_MILLIS = 50;

  private final Callbacks callbacks = Callbacks.INSTANCE;
  private final TRITONSERVER_Server server;

  /** An error of the core. */
  static final class CoreException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final int code;

    CoreException(int code, String message) {
      super(message);
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /**
   * Starts a core.
   *
   * @param backendDirectory holds a folder for each backend
   * @param complete whether configurations may be completed
   */
  TritonCore(Path repository, Path backendDirectory, boolean complete) {
    TRITONSERVER_ServerOptions options = new TRITONSERVER_ServerOptions(null);
    check(TRITONSERVER_ServerOptionsNew(options));
    check(TRITONSERVER_ServerOptionsSetModelRepositoryPath(options, repository.toString()));
    check(TRITONSERVER_ServerOptionsSetBackendDirectory(options, backendDirectory.toString()));
    check(
        TRITONSERVER_ServerOptionsSetModelControlMode(
            options, TRITONSERVER_MODEL_CONTROL_EXPLICIT));
    check(TRITONSERVER_ServerOptionsSetStrictModelConfig(options, !complete));
    check(TRITONSERVER_ServerOptionsSetGpuMetrics(options, false));
    check(TRITONSERVER_ServerOptionsSetCpuMetrics(options, false));
    check(TRITONSERVER_ServerOptionsSetLogInfo(options, Boolean.getBoolean("triton.log")));
    check(TRITONSERVER_ServerOptionsSetLogWarn(options, Boolean.getBoolean("triton.log")));
    check(TRITONSERVER_ServerOptionsSetLogError(options, Boolean.getBoolean("triton.log")));
    check(TRITONSERVER_ServerOptionsSetLogVerbose(options, 0));
    check(TRITONSERVER_ServerOptionsSetExitTimeout(options, 30));
    check(TRITONSERVER_ServerOptionsSetModelLoadRetryCount(options, 0));
    server = new TRITONSERVER_Server(null);
    check(TRITONSERVER_ServerNew(server, options));
    check(TRITONSERVER_ServerOptionsDelete(options));
  }

  static void check(TRITONSERVER_Error error) {
    if (error != null && !error.isNull()) {
      var thrown =
          new CoreException(TRITONSERVER_ErrorCode(error), TRITONSERVER_ErrorMessage(error));
      TRITONSERVER_ErrorDelete(error);
      throw thrown;
    }
  }

  /** Loads a model, and lets its instances settle. */
  void load(String model) {
    check(TRITONSERVER_ServerLoadModel(server, model));
    try {
      Thread.sleep(SETTLE_MILLIS);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Asks for a model to go; that is done when its requests are. */
  void unload(String model) {
    check(TRITONSERVER_ServerUnloadModel(server, model));
  }

  boolean ready(String model) {
    boolean[] ready = new boolean[1];
    check(TRITONSERVER_ServerModelIsReady(server, model, -1, ready));
    return ready[0];
  }

  /** The versions that are known of models, with their states, as JSON. */
  String index() {
    TRITONSERVER_Message message = new TRITONSERVER_Message(null);
    check(TRITONSERVER_ServerModelIndex(server, 0, message));
    return json(message);
  }

  String config(String model) {
    TRITONSERVER_Message message = new TRITONSERVER_Message(null);
    check(TRITONSERVER_ServerModelConfig(server, model, -1, 1, message));
    return json(message);
  }

  String statistics(String model) {
    TRITONSERVER_Message message = new TRITONSERVER_Message(null);
    check(TRITONSERVER_ServerModelStatistics(server, model, -1, message));
    return json(message);
  }

  private static String json(TRITONSERVER_Message message) {
    try (PointerPointer<BytePointer> base = new PointerPointer<>(1);
        SizeTPointer size = new SizeTPointer(1)) {
      check(TRITONSERVER_MessageSerializeToJson(message, base, size));
      String json = base.get(BytePointer.class).limit(size.get()).getString();
      check(TRITONSERVER_MessageDelete(message));
      return json;
    }
  }

  /** Triton's metrics in Prometheus' format. */
  String metrics() {
    TRITONSERVER_Metrics metrics = new TRITONSERVER_Metrics(null);
    check(TRITONSERVER_ServerMetrics(server, metrics));
    try (PointerPointer<BytePointer> base = new PointerPointer<>(1);
        SizeTPointer size = new SizeTPointer(1)) {
      check(TRITONSERVER_MetricsFormatted(metrics, TRITONSERVER_METRIC_PROMETHEUS, base, size));
      return base.get(BytePointer.class).limit(size.get()).getString();
    } finally {
      check(TRITONSERVER_MetricsDelete(metrics));
    }
  }

  /** The value of one of Triton's metrics, summed over models; 0 if there is none. */
  double metric(String name) {
    return metrics()
        .lines()
        .filter(line -> line.startsWith(name + " ") || line.startsWith(name + "{"))
        .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
        .sum();
  }

  /** One request that is under way. */
  static final class Call {
    private final TRITONSERVER_InferenceRequest request;
    private final Callbacks.Pending pending;

    private Call(TRITONSERVER_InferenceRequest request, Callbacks.Pending pending) {
      this.request = request;
      this.pending = pending;
    }

    /** The answers, complete once the last has come. */
    CompletableFuture<List<Reply>> replies() {
      return pending.done;
    }

    /** Tells the core that nobody waits any more. */
    void cancel() {
      check(TRITONSERVER_InferenceRequestCancel(request));
    }
  }

  /** Sends a request. */
  Call send(
      String model,
      List<TestTensor> inputs,
      List<String> outputs,
      long timeoutMicros,
      Consumer<Reply> listener) {
    TRITONSERVER_InferenceRequest request = new TRITONSERVER_InferenceRequest(null);
    check(TRITONSERVER_InferenceRequestNew(request, server, model, -1));
    Callbacks.Pending pending = callbacks.pending(inputs, listener);
    try {
      if (timeoutMicros > 0) {
        check(TRITONSERVER_InferenceRequestSetTimeoutMicroseconds(request, timeoutMicros));
      }
      for (TestTensor input : inputs) {
        try (LongPointer shape = new LongPointer(Math.max(1, input.shape().length))) {
          shape.put(input.shape(), 0, input.shape().length);
          check(
              TRITONSERVER_InferenceRequestAddInput(
                  request, input.name(), input.type(), shape, input.shape().length));
        }
        for (BytePointer piece : input.pieces()) {
          check(
              TRITONSERVER_InferenceRequestAppendInputData(
                  request, input.name(), piece, piece.limit(), TRITONSERVER_MEMORY_CPU, 0));
        }
      }
      for (String output : outputs) {
        check(TRITONSERVER_InferenceRequestAddRequestedOutput(request, output));
      }
      callbacks.attach(request, pending);
      check(TRITONSERVER_ServerInferAsync(server, request, (TRITONSERVER_InferenceTrace) null));
    } catch (CoreException e) {
      callbacks.forget(pending);
      check(TRITONSERVER_InferenceRequestDelete(request));
      throw e;
    }
    return new Call(request, pending);
  }

  /** Sends a request and waits for its one answer. */
  Reply infer(String model, List<TestTensor> inputs, String... outputs) {
    try {
      return send(model, inputs, List.of(outputs), 0, _ -> {}).replies().get().getFirst();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof CoreException known) {
        throw new CoreException(known.code(), known.getMessage());
      }
      throw new IllegalStateException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Stops the core: waits for requests under way, unloads all models. */
  @Override
  public void close() {
    check(TRITONSERVER_ServerStop(server));
    check(TRITONSERVER_ServerDelete(server));
  }
}
