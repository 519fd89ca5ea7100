package dev.warmgate.host.ort;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.config.WarmgateOptions.Prefetch;
import dev.warmgate.expert.GateMatrix;
import dev.warmgate.expert.LayerSpec;
import dev.warmgate.expert.MoeModel;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.onnx.AdaptedNode;
import dev.warmgate.onnx.ElementType;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.Initializer;
import dev.warmgate.onnx.ModelException;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.OnnxNode;
import dev.warmgate.onnx.RefusedNodeException;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.residency.FileRegion;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** An adapted model that is open: all its layers, as its file has them. */
final class AdaptedModel implements AutoCloseable {
  private final Path file;
  private final List<OnnxNode> nodes;
  private final List<LayerForm> forms;
  private final MoeModel layers;
  private final Plan plan;

  /** How many kernels there are for its nodes; {@link AdaptedModels} counts. */
  int users;

  private AdaptedModel(
      Path file, List<OnnxNode> nodes, List<LayerForm> forms, MoeModel layers, Plan plan) {
    this.file = file;
    this.nodes = nodes;
    this.forms = forms;
    this.layers = layers;
    this.plan = plan;
  }

  /**
   * Opens a model. No expert is read.
   *
   * @param store its expert store
   * @param storeId which its nodes were made for
   * @param values what its hidden states are
   */
  static AdaptedModel open(Path store, long storeId, WarmgateOptions options, ElementType values)
      throws IOException {
    var file = new ModelFile(AdaptedNode.model(store).toString());
    OnnxModel model =
        file.model()
            .orElseThrow(() -> new ModelException(file.path().orElseThrow() + ": no such file"));
    Optional<GateReader> gateReader =
        options.prefetch() == Prefetch.GATE ? Optional.of(new GateReader(file)) : Optional.empty();
    List<OnnxNode> nodes = new ArrayList<>();
    List<LayerForm> forms = new ArrayList<>();
    List<LayerSpec> specs = new ArrayList<>();
    List<Optional<GateMatrix>> gates = new ArrayList<>();
    for (OnnxNode node : model.graph().nodes()) {
      if (AdaptedNode.is(node)) {
        var adapted = new AdaptedNode(node, values);
        LayerForm form = form(node, adapted, options);
        nodes.add(node);
        forms.add(form);
        specs.add(
            form.spec(node.label(), role -> adapted.part(role, store).map(AdaptedModel::place)));
        gates.add(
            gateReader.flatMap(
                gate -> gate.find(adapted.part(Role.FC1_WEIGHTS, store).orElseThrow().name())));
      }
    }
    if (specs.isEmpty()) {
      throw new ModelException(model.path() + ": is not the adapted model of " + store);
    }
    Plan plan = HostPlan.of(options, specs.getFirst());
    MoeModel layers = MoeModel.open(Optional.of(model.path()), specs, gates, options, plan);
    return new AdaptedModel(model.path(), nodes, forms, layers, plan);
  }

  private static LayerForm form(OnnxNode node, AdaptedNode adapted, WarmgateOptions options) {
    try {
      return LayerForm.read(adapted, options.precision());
    } catch (RefusedNodeException | IllegalArgumentException e) {
      throw new IllegalArgumentException(node.label() + ": " + e.getMessage(), e);
    }
  }

  private static FileRegion place(Initializer part) {
    var stored = (TensorLocation.Stored) part.location();
    return new FileRegion(stored.file(), stored.offset(), stored.length());
  }

  /**
   * Makes what computes a node.
   *
   * @throws IllegalArgumentException if it is none of this model's
   */
  LayerKernel kernel(OrtApi api, KernelInfo info) {
    String weights = AdaptedNode.attribute(Role.FC1_WEIGHTS);
    List<Long> wanted = info.integers(weights);
    for (int i = 0; i < nodes.size(); i++) {
      OnnxNode node = nodes.get(i);
      if (AdaptedNode.integers(node, weights).equals(wanted) && info.is(node)) {
        boolean shares = forms.get(i).layout().routerWeights();
        var inputs = new NodeInputs(0, 1, shares ? AdaptedNode.SHARES : NodeInputs.NONE);
        return new LayerKernel(api, layers.layer(i), inputs, plan.threads());
      }
    }
    throw new IllegalArgumentException("%s: is no node of %s".formatted(info.name(), file));
  }

  @Override
  public void close() {
    layers.close();
  }
}
