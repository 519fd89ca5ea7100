package dev.warmgate.benchmarks.quantised;

import java.util.List;
import java.util.Map;

/**
 * What one process is to time, as one JSON object.
 *
 * @param model the ONNX file
 * @param outputs a file that receives what the first inputs of each size gave
 * @param session configuration of ONNX Runtime
 * @param warmgate session options; null runs without it
 * @param tokens sizes of batches, the largest first
 * @param seconds for each size, about
 */
record Task(
    String model,
    String outputs,
    LayerShape shape,
    Map<String, String> session,
    Map<String, String> warmgate,
    int threads,
    List<Integer> tokens,
    double seconds) {

  /**
   * What came of it.
   *
   * @param createMillis until the session was there
   * @param createdBytes memory that was resident then
   * @param medianMillis of a run, for each size
   */
  record Measured(double createMillis, long createdBytes, List<Double> medianMillis) {}
}
