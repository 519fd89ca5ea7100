package dev.warmgate.host.ort;

import ai.onnxruntime.OrtException;
import dev.warmgate.onnx.MoeModelSpec.Router;
import dev.warmgate.onnx.QMoeModelSpec;
import dev.warmgate.onnx.QMoeSession;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/** Sessions of models of {@link dev.warmgate.onnx.QMoeModels} with the provider. */
final class QMoeHost {
  private QMoeHost() {}

  /** What a user says, beside which nothing is learned from earlier runs. */
  static QMoeSession open(Path model, QMoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    Map<String, String> all = new HashMap<>(given);
    all.putIfAbsent("warm_start", "off");
    return new QMoeSession(
        model,
        spec,
        options -> {
          options.setIntraOpNumThreads(2);
          Host.provider().addTo(options, all);
        });
  }

  /** An adapted model, with Warmgate's operators and no provider. */
  static QMoeSession adapted(Path model, QMoeModelSpec spec, Map<String, String> given)
      throws OrtException {
    return new QMoeSession(
        model,
        spec,
        options -> {
          options.setIntraOpNumThreads(2);
          WarmgateCustomOps.addTo(options, given);
        });
  }

  /** With gate logits that are inputs, so that no rounding before the layer changes a selection. */
  static QMoeModelSpec small() {
    QMoeModelSpec spec = QMoeModelSpec.small();
    return spec.with(spec.moe().withSizes(48, 36).withRouter(Router.INPUT));
  }
}
