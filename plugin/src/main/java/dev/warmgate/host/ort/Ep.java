package dev.warmgate.host.ort;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.config.WarmgateOptions.Prefetch;
import dev.warmgate.expert.GateMatrix;
import dev.warmgate.expert.LayerSpec;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.host.ort.MoeNode.UnsupportedNodeException;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.onnx.ExpertTensor.Role;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** {@code OrtEp}: the execution provider of one session. */
final class Ep implements AutoCloseable {
  private static final long STRUCT_BYTES = 208;
  private static final String DOMAIN = "com.microsoft";

  private final OrtApi api;
  private final long name;
  private final long logger;
  private final WarmgateOptions options;
  private final Arena arena = Arena.ofShared();
  private final CallbackStruct struct = new CallbackStruct(this, STRUCT_BYTES, arena);
  private final Set<String> reported = new HashSet<>();
  private final List<NodeCompute> computes = new ArrayList<>();
  private Throwable capabilityFailure;
  private MoeModel model;
  private ModelFile file;
  private WeightLocator weights;
  private GateReader gateReader;

  /**
   * A provider without nodes.
   *
   * @param name C string that lives as long as the factory
   * @param logger of the session, lives as long as this provider
   */
  Ep(OrtApi api, long name, long logger, WarmgateOptions options) {
    this.api = api;
    this.name = name;
    this.logger = logger;
    this.options = options;
    struct.callback(8, "getName", 1, true);
    struct.callback(16, "getCapability", 3, true);
    struct.callback(24, "compile", 6, true);
    struct.callback(32, "releaseNodeComputeInfos", 3, false);
  }

  /** The struct that ONNX Runtime sees, until {@link #close}. */
  long address() {
    return struct.address();
  }

  long getName(long self) {
    return name;
  }

  long getCapability(long self, long graph, long supportInfo) {
    return Upcall.status(
        api,
        "GetCapability",
        () -> claimLayers(graph, supportInfo),
        failure -> {
          // ONNX Runtime would go on without us, and load every expert. So it is made to ask us to
          // compile something, which then fails the session.
          capabilityFailure = failure;
          api.claim(supportInfo, api.graphNodes(graph)[0]);
        });
  }

  private void claimLayers(long graph, long supportInfo) {
    boolean nested = api.graphParentNode(graph) != 0;
    for (long node : api.graphNodes(graph)) {
      if (isMoe(node) && canServe(node, nested)) {
        api.claim(supportInfo, node);
      }
    }
  }

  long compile(
      long self,
      long graphs,
      long fusedNodes,
      long count,
      long computeInfosOut,
      long contextNodes) {
    return Upcall.status(
        api,
        "Compile",
        () -> {
          if (capabilityFailure != null) {
            throw new IllegalStateException(
                "the model can't be served: " + capabilityFailure.getMessage(), capabilityFailure);
          }
          if (model != null) {
            throw new IllegalStateException("a session's layers are compiled once");
          }
          List<LayerSpec> specs = new ArrayList<>();
          List<NodeInputs> inputs = new ArrayList<>();
          List<Optional<GateMatrix>> gates = new ArrayList<>();
          for (long i = 0; i < count; i++) {
            long graph = Native.pointer(graphs + 8 * i);
            MoeNode node = node(graph);
            specs.add(spec(node, graph));
            inputs.add(NodeInputs.of(api, node, Native.pointer(fusedNodes + 8 * i)));
            gates.add(gate(node, graph));
          }
          Plan plan = HostPlan.of(options, specs.getFirst());
          model = MoeModel.open(file(Native.pointer(graphs)).path(), specs, gates, options, plan);
          for (int i = 0; i < count; i++) {
            var kernel = new LayerKernel(api, model.layer(i), inputs.get(i), plan.threads());
            NodeCompute compute = new NodeCompute(api, kernel);
            computes.add(compute);
            Native.putPointer(computeInfosOut + 8L * i, compute.address());
          }
          // A session lives long; what its file says isn't needed any more.
          gateReader = null;
          file.forget();
        });
  }

  void releaseNodeComputeInfos(long self, long computeInfos, long count) {
    Upcall.quiet("ReleaseNodeComputeInfos", this::closeModel);
  }

  private boolean isMoe(long node) {
    String type = api.nodeOperatorType(node);
    return (type.equals("MoE") || type.equals("QMoE")) && api.nodeDomain(node).equals(DOMAIN);
  }

  private boolean canServe(long node, boolean nested) {
    try {
      if (nested) {
        leave(node, "it is inside the subgraph of another node");
        return false;
      }
      MoeNode.read(api, node, options.precision());
      return true;
    } catch (UnsupportedNodeException e) {
      leave(node, e.getMessage());
      return false;
    }
  }

  private void leave(long node, String reason) {
    if (reported.add(api.nodeName(node))) {
      api.log(
          logger,
          OrtApi.WARNING,
          "Warmgate leaves %s to ONNX Runtime: %s".formatted(api.nodeName(node), reason));
    }
  }

  private MoeNode node(long graph) {
    long[] nodes = api.graphNodes(graph);
    if (nodes.length != 1) {
      throw new IllegalStateException("a claimed node came back as " + nodes.length);
    }
    try {
      return MoeNode.read(api, nodes[0], options.precision());
    } catch (UnsupportedNodeException e) {
      throw new IllegalStateException("a claimed node changed: " + e.getMessage(), e);
    }
  }

  private LayerSpec spec(MoeNode node, long graph) throws IOException {
    if (weights == null) {
      weights = new WeightLocator(api, file(graph));
    }
    return node.form().spec(node.name(), role -> weights.find(node.part(role)));
  }

  private ModelFile file(long graph) {
    if (file == null) {
      file = new ModelFile(api.graphModelPath(graph));
    }
    return file;
  }

  private Optional<GateMatrix> gate(MoeNode node, long graph) {
    if (options.prefetch() != Prefetch.GATE) {
      return Optional.empty();
    }
    if (gateReader == null) {
      gateReader = new GateReader(file(graph));
    }
    return gateReader.find(api.valueName(node.part(Role.FC1_WEIGHTS)));
  }

  private void closeModel() {
    computes.forEach(NodeCompute::close);
    computes.clear();
    if (model != null) {
      model.close();
      model = null;
    }
    if (weights != null) {
      weights.close();
      weights = null;
    }
  }

  @Override
  public void close() {
    closeModel();
    arena.close();
  }
}
