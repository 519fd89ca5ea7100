package dev.warmgate.benchmarks.pagein;

import dev.warmgate.onnx.ExpertTensor;
import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.TensorLocation;
import dev.warmgate.residency.FileRegion;
import dev.warmgate.residency.LayerStore;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The experts of a model, where a session finds them. */
final class ModelLayers {
  private ModelLayers() {}

  static PageIn of(Path model) throws IOException {
    List<LayerStore> layers = new ArrayList<>();
    for (MoeLayer layer : ModelInspection.of(OnnxModel.read(model)).layers()) {
      List<FileRegion> tensors = new ArrayList<>();
      for (ExpertTensor part : layer.tensors()) {
        tensors.add(region(part));
      }
      layers.add(new LayerStore(layer.name(), layer.experts(), tensors));
    }
    if (layers.isEmpty()) {
      throw new IOException(model + ": no MoE layers in it");
    }
    return new PageIn("the model's experts", layers);
  }

  private static FileRegion region(ExpertTensor part) {
    return switch (part.tensor().location()) {
      case TensorLocation.Addressable place ->
          new FileRegion(place.file(), place.offset(), place.length());
      case TensorLocation.Stored place ->
          new FileRegion(place.file(), place.offset(), place.length());
      case TensorLocation.Encoded encoded ->
          throw new IllegalArgumentException(
              part.tensor().name() + " is stored as " + encoded.field());
    };
  }
}
