package dev.warmgate.benchmarks.memory;

import java.util.Map;

/**
 * What a worker is told, as one JSON object.
 *
 * @param model the ONNX file
 * @param routes what {@link Routes#save} wrote
 * @param shape the model's
 * @param seed that its gates were made with
 * @param session entries of ONNX Runtime's session configuration
 * @param warmgate Warmgate's options; null for ONNX Runtime alone
 * @param threads that compute
 * @param warmUp tokens before the clock starts
 * @param tokens timed, at most
 * @param warmUpSeconds after which warming up ends
 * @param seconds after which the run ends
 * @param compared of so many first tokens the outputs are kept
 * @param outputs file for them, raw
 */
record Task(
    String model,
    String routes,
    DecoderShape shape,
    long seed,
    Map<String, String> session,
    Map<String, String> warmgate,
    int threads,
    int warmUp,
    int tokens,
    double warmUpSeconds,
    double seconds,
    int compared,
    String outputs) {}
