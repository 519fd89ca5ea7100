package dev.warmgate.host.triton;

import dev.warmgate.host.session.SessionException;
import dev.warmgate.host.session.Tensor;
import dev.warmgate.host.session.TensorSpec;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * The requests of one call to an instance. Those whose inputs agree in all but the batch dimension,
 * and that want the same outputs, go through the session together.
 */
final class Batch {
  private static final System.Logger LOG = System.getLogger(Batch.class.getName());

  private final InferenceModel model;
  private final long instance;
  private final long[] handles;
  private final long begun = System.nanoTime();
  private final List<Request> requests = new ArrayList<>();
  private final Set<Request> answered = new HashSet<>();
  private final Set<Request> failed = new HashSet<>();

  /** When the first run began; 0 before. */
  private long computeFrom;

  /** What all runs took. */
  private long computeNanos;

  Batch(InferenceModel model, long instance, long[] handles) {
    this.model = model;
    this.instance = instance;
    this.handles = handles;
  }

  /** Answers and releases all requests, whatever happens. */
  void execute() {
    try {
      for (long handle : handles) {
        read(handle);
      }
      groups().forEach(this::runOrSplit);
    } catch (Throwable e) {
      TritonException error = EntryPoints.explain("execute", e);
      requests.forEach(request -> fail(request, error));
    } finally {
      release();
    }
  }

  private void read(long handle) {
    try {
      requests.add(Request.read(handle));
    } catch (RuntimeException e) {
      Response.to(handle).fail(EntryPoints.explain("execute", e));
    }
  }

  /** What requests must have in common to go through a session together. */
  private record Kind(List<Object> inputs, Set<String> outputs) {}

  private Iterable<List<Request>> groups() {
    if (requests.size() == 1) {
      return List.of(requests);
    }
    if (!model.batched()) {
      return requests.stream().map(List::of).toList();
    }
    Map<Kind, List<Request>> groups = new LinkedHashMap<>();
    for (Request request : requests) {
      List<Object> inputs = new ArrayList<>();
      for (Request.Input input : request.inputs().values()) {
        inputs.add(input.name());
        Arrays.stream(input.dims()).skip(1).forEach(inputs::add);
      }
      Kind kind = new Kind(inputs, Set.copyOf(request.outputs()));
      groups.computeIfAbsent(kind, _ -> new ArrayList<>()).add(request);
    }
    return groups.values();
  }

  /**
   * One bad request must not fail those that it came with: a group that fails is run one by one.
   */
  private void runOrSplit(List<Request> group) {
    List<Request> waited = waitedFor(group);
    if (waited.isEmpty()) {
      return;
    }
    Optional<TritonException> error = run(waited);
    if (error.isPresent() && waited.size() > 1) {
      waited.forEach(request -> runOrSplit(List.of(request)));
    } else {
      error.ifPresent(e -> waited.forEach(request -> fail(request, e)));
    }
  }

  /** Those that somebody still waits for; the others are answered now. */
  private List<Request> waitedFor(List<Request> group) {
    List<Request> waited = new ArrayList<>(group.size());
    for (Request request : group) {
      Optional<TritonException> lapsed = request.lapsed();
      lapsed.ifPresentOrElse(why -> fail(request, why), () -> waited.add(request));
    }
    return waited;
  }

  /** Runs requests that agree, and answers them; the error if that fails and none is answered. */
  private Optional<TritonException> run(List<Request> group) {
    List<AutoCloseable> open = new ArrayList<>();
    try {
      Map<String, Tensor> fed = InputTensors.feed(model.inputs(), group, open);
      List<String> wanted = group.getFirst().outputs();
      if (wanted.isEmpty()) {
        throw TritonException.invalid("the request wants no output");
      }
      if (group.size() > 1 || !runInPlace(group.getFirst(), fed, wanted)) {
        Tensor[] results = new Tensor[wanted.size()];
        compute(group, fed, wanted, results);
        open.addAll(0, List.of(results));
        answer(group, wanted, results, open);
      }
      return Optional.empty();
    } catch (RuntimeException e) {
      return Optional.of(lapsedOr(group, EntryPoints.explain("execute", e)));
    } finally {
      open.forEach(Batch::closeQuietly);
    }
  }

  /**
   * A run that was stopped fails with what ONNX Runtime says of it; the client wants the reason.
   */
  private static TritonException lapsedOr(List<Request> group, TritonException error) {
    return group.size() == 1 ? group.getFirst().lapsed().orElse(error) : error;
  }

  private void compute(
      List<Request> group, Map<String, Tensor> fed, List<String> wanted, Tensor[] results) {
    long start = System.nanoTime();
    computeFrom = computeFrom == 0 ? start : computeFrom;
    try {
      model.run(group, fed, wanted, results);
    } finally {
      computeNanos += System.nanoTime() - start;
    }
  }

  /**
   * Lets the session write into the response, if the model says beforehand how large its outputs
   * will be.
   *
   * @return false if it doesn't, or not truly; nothing was answered then
   */
  private boolean runInPlace(Request request, Map<String, Tensor> fed, List<String> wanted) {
    if (!model.shapesHold()) {
      return false;
    }
    OutputShapes shapes = OutputShapes.of(model.inputs(), request.inputs());
    List<long[]> dims = new ArrayList<>();
    for (String name : wanted) {
      TensorSpec spec = model.output(name);
      Optional<long[]> shape = shapes.of(spec);
      if (!spec.type().sized() || shape.isEmpty() || OutputRows.elements(shape.get(), 0) == 0) {
        return false;
      }
      dims.add(shape.get());
    }
    Response response = request.respond();
    Tensor[] results = new Tensor[wanted.size()];
    try {
      for (int i = 0; i < results.length; i++) {
        TensorSpec spec = model.output(wanted.get(i));
        long bytes = spec.type().bytes(OutputRows.elements(dims.get(i), 0));
        MemorySegment target =
            response.output(
                spec.name(), DataTypes.number(spec.type()).orElseThrow(), dims.get(i), bytes);
        results[i] = Tensor.over(target.address(), bytes, spec.type(), dims.get(i));
      }
      compute(List.of(request), fed, wanted, results);
    } catch (RuntimeException e) {
      response.drop();
      if (e instanceof SessionException && request.lapsed().isEmpty()) {
        return retried(request, fed, wanted, e);
      }
      throw e;
    } finally {
      Arrays.stream(results).forEach(Batch::closeQuietly);
    }
    send(request, response);
    return true;
  }

  /** Whether the run fails for another reason than the shapes; that is thrown. */
  private boolean retried(
      Request request, Map<String, Tensor> fed, List<String> wanted, RuntimeException reason) {
    Tensor[] results = new Tensor[wanted.size()];
    try {
      compute(List.of(request), fed, wanted, results);
    } catch (SessionException e) {
      e.addSuppressed(reason);
      throw e;
    }
    Arrays.stream(results).forEach(Batch::closeQuietly);
    model.shapesDontHold(reason.getMessage());
    return false;
  }

  /** Copies each request's share of the outputs into its response. */
  private void answer(
      List<Request> group, List<String> wanted, Tensor[] results, List<AutoCloseable> open) {
    List<OutputRows> outputs = new ArrayList<>();
    long rows = group.stream().mapToLong(this::rows).sum();
    for (int i = 0; i < results.length; i++) {
      OutputRows output = OutputRows.of(model.output(wanted.get(i)), results[i], open);
      if (group.size() > 1) {
        output.checkRows(rows);
      }
      outputs.add(output);
    }
    long first = 0;
    for (Request request : group) {
      long share = rows(request);
      answer(request, outputs, first, group.size() == 1 ? OutputRows.ALL : share);
      first += share;
    }
  }

  private void answer(Request request, List<OutputRows> outputs, long first, long count) {
    Optional<TritonException> lapsed = request.lapsed();
    if (lapsed.isPresent()) {
      fail(request, lapsed.get());
      return;
    }
    Response response = request.respond();
    try {
      outputs.forEach(output -> output.copyTo(response, first, count));
    } catch (RuntimeException e) {
      response.drop();
      fail(request, EntryPoints.explain("execute", e));
      return;
    }
    send(request, response);
  }

  /** How many rows of the batch a request brings; one that leaves out all inputs brings one. */
  private long rows(Request request) {
    if (!model.batched()) {
      return 1;
    }
    return request.inputs().values().stream()
        .mapToLong(input -> input.dims()[0])
        .findFirst()
        .orElse(1);
  }

  private void send(Request request, Response response) {
    answered.add(request);
    response.send();
  }

  private void fail(Request request, TritonException error) {
    if (answered.add(request)) {
      failed.add(request);
      request.fail(error);
    }
  }

  /**
   * Tells Triton how long all took, and gives the requests back: whatever happens, since Triton
   * would answer again what an execution that fails leaves it.
   */
  private void release() {
    try {
      report();
    } catch (RuntimeException e) {
      LOG.log(System.Logger.Level.ERROR, "statistics", e);
    }
    for (long handle : handles) {
      Request.release(handle);
    }
  }

  private void report() {
    long end = System.nanoTime();
    long computeStart = computeFrom == 0 ? begun : computeFrom;
    long computeEnd = computeStart + computeNanos;
    for (Request request : requests) {
      long success = failed.contains(request) ? 0 : 1;
      Core.REPORT_STATISTICS.call(
          instance, request.handle(), success, begun, computeStart, computeEnd, end);
    }
    long rows = requests.stream().mapToLong(this::rows).sum();
    Core.REPORT_BATCH.call(instance, rows, begun, computeStart, computeEnd, end);
  }

  static void closeQuietly(AutoCloseable resource) {
    if (resource != null) {
      try {
        resource.close();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
