package dev.warmgate.cli;

import dev.warmgate.onnx.ModelInspection;
import dev.warmgate.onnx.MoeLayer;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.onnx.Unsupported;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

/** The MoE layers of a model. */
@Command(
    name = "inspect",
    mixinStandardHelpOptions = true,
    description = "Shows the MoE layers of a model, without loading its weights.")
final class InspectCommand extends WarmgateCommand {
  @Parameters(paramLabel = "MODEL", description = "An ONNX file, or a folder in GenAI's layout.")
  private Path model;

  InspectCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException {
    ModelInspection inspection = read(ModelFiles.of(model).file());
    if (inspection.layers().isEmpty() && inspection.unsupported().isEmpty()) {
      throw withoutLayers(model, inspection);
    }
    if (json()) {
      print(
          Json.object(
              "model", model,
              "layers", inspection.layers().stream().map(InspectCommand::json).toList(),
              "expert_bytes_total", inspection.expertBytesTotal(),
              "unsupported",
                  inspection.unsupported().stream()
                      .map(part -> Json.object("node", part.node(), "reason", part.reason()))
                      .toList()));
    } else {
      print(inspection);
    }
    return Main.DONE;
  }

  static ModelInspection read(Path file) throws IOException {
    return ModelInspection.of(OnnxModel.read(file));
  }

  /** The complaint about a model that there is nothing to do for. */
  static IOException withoutLayers(Path model, ModelInspection inspection) {
    String reason =
        inspection.unsupported().isEmpty()
            ? ""
            : "; "
                + inspection.unsupported().getFirst().node()
                + ": "
                + inspection.unsupported().getFirst().reason();
    return new IOException(model + ": no MoE layers in it" + reason);
  }

  private static Object json(MoeLayer layer) {
    return Json.object(
        "name", layer.name(),
        "op", layer.op(),
        "experts", layer.experts(),
        "top_k", layer.topK(),
        "format", layer.format().text(),
        "bytes_per_expert", layer.bytesPerExpert(),
        "gate", layer.gate().text(),
        "activation", layer.activation().text(),
        "hidden", layer.hidden(),
        "inner", layer.inner());
  }

  private void print(ModelInspection inspection) {
    PrintStream out = console().out();
    TextTable table =
        TextTable.ofText()
            .row("layer", "op", "experts", "top-k", "format", "an expert", "activation", "gate");
    for (MoeLayer layer : inspection.layers()) {
      table.row(
          layer.name(),
          layer.op(),
          Integer.toString(layer.experts()),
          Integer.toString(layer.topK()),
          layer.format().text(),
          Texts.bytes(layer.bytesPerExpert()),
          layer.activation().text(),
          layer.gate().text());
    }
    out.print(table);
    out.printf(
        "%s, %s of experts%n",
        Texts.count(inspection.layers().size(), "MoE layer"),
        Texts.bytes(inspection.expertBytesTotal()));
    for (Unsupported part : inspection.unsupported()) {
      out.printf("not supported: %s: %s%n", part.node(), part.reason());
    }
  }
}
