package dev.warmgate.host.triton;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtLoggingLevel;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ort.WarmgateProvider;
import dev.warmgate.host.triton.TritonException.Code;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/** The models and instances that Triton has open. Thread-safe. */
final class Backend implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(Backend.class.getName());
  private static final int CPU_KIND = 1;
  private static final int GPU_KIND = 2;
  private static final int WATCH_MILLIS = 5;
  private static final int METRICS_TICKS = 40;

  private final Map<Long, ServedModel> models = new ConcurrentHashMap<>();
  private final Map<Long, ServedModel> instances = new ConcurrentHashMap<>();
  private final RunWatch watch = new RunWatch();
  private WarmgateProvider provider;
  private CacheMetrics metrics;
  private Thread clock;

  /** Makes the provider known to ONNX Runtime, and the metrics to Triton. */
  synchronized void initialize() {
    provider =
        WarmgateProvider.register(
            OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR));
    metrics = CacheMetrics.create(provider);
    clock = Thread.ofPlatform().daemon().name("warmgate-triton").start(this::tick);
  }

  /** Looks at runs and metrics from time to time. */
  private void tick() {
    int ticks = 0;
    try {
      while (true) {
        Thread.sleep(WATCH_MILLIS);
        try {
          watch.look();
          if (++ticks % METRICS_TICKS == 0) {
            metrics.update();
          }
        } catch (RuntimeException e) {
          LOG.log(System.Logger.Level.ERROR, "Triton's clock", e);
        }
      }
    } catch (InterruptedException e) {
      // The backend is closed.
    }
  }

  /** Without an instance group in {@code config.pbtxt}, a model gets one instance, on the CPU. */
  void describe(long attributes) {
    Core.ADD_PREFERRED_INSTANCES.call(attributes, CPU_KIND, 1, 0, 0);
  }

  /** Opens a model and completes its configuration. */
  void open(long handle) throws IOException {
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    // Libraries look for their parts there; a thread of Triton only knows the system's.
    thread.setContextClassLoader(Backend.class.getClassLoader());
    try {
      ModelSettings settings = ModelSettings.read(handle);
      ServedModel model =
          switch (settings.mode()) {
            case INFER -> InferenceModel.open(settings, watch);
            case GENERATE -> GenerationModel.open(settings, provider);
          };
      try {
        var config = model.complete(settings.config());
        if (ModelSettings.completes(handle)) {
          ModelSettings.set(handle, config);
        }
        model.warmUp();
        metrics.add(handle, settings.name(), settings.version(), model.file());
        models.put(handle, model);
      } catch (RuntimeException | Error e) {
        model.close();
        throw e;
      }
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  /** Closes a model, of which no instance is left. */
  void close(long handle) {
    ServedModel model = models.remove(handle);
    if (model != null) {
      metrics.remove(handle);
      model.close();
      metrics.update();
    }
  }

  void openInstance(long handle) {
    try (Arena arena = Arena.ofConfined()) {
      long out = arena.allocate(JAVA_INT).address();
      Core.INSTANCE_KIND.call(handle, out);
      if (Native.integer(out) == GPU_KIND) {
        throw new TritonException(
            Code.UNSUPPORTED,
            "Warmgate computes on the CPU: say instance_group [{ kind: KIND_CPU }]");
      }
    }
    instances.put(handle, models.get(Core.get(Core.INSTANCE_MODEL, handle)));
  }

  void closeInstance(long handle) {
    instances.remove(handle);
  }

  /** Hands requests to an instance's model. */
  void execute(long instance, long requests, long count) {
    // SAFETY: the core's array, until this call returns.
    long[] handles = Native.view(requests, 8 * count).toArray(JAVA_LONG);
    instances.get(instance).execute(instance, handles);
  }

  @Override
  public synchronized void close() {
    if (clock != null) {
      clock.interrupt();
      clock = null;
      metrics.close();
    }
  }
}
