package dev.warmgate.repack;

import dev.warmgate.onnx.Unsupported;
import java.nio.file.Path;
import java.util.List;

/**
 * What a repack made.
 *
 * @param model the slim model
 * @param store its experts
 * @param bytesIn of the model's file and its external data
 * @param bytesOut of the slim model, its external data and the store
 * @param layers how many are in the store
 * @param experts of all of them
 * @param left MoE nodes whose weights stay in the slim model, and why
 */
public record Repacked(
    Path model,
    Path store,
    long bytesIn,
    long bytesOut,
    int layers,
    long experts,
    List<Unsupported> left) {
  public Repacked {
    left = List.copyOf(left);
  }
}
