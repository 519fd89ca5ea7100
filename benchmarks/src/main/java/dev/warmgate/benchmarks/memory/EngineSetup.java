package dev.warmgate.benchmarks.memory;

import java.util.Map;
import java.util.Optional;

/**
 * An engine as it is set up for a run.
 *
 * @param name in reports
 * @param session entries of ONNX Runtime's session configuration
 * @param warmgate Warmgate's options; empty for ONNX Runtime alone
 */
record EngineSetup(
    String name, Map<String, String> session, Optional<Map<String, String>> warmgate) {
  EngineSetup {
    session = Map.copyOf(session);
    warmgate = warmgate.map(Map::copyOf);
  }
}
