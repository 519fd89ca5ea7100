package dev.warmgate.hwdetect;

import java.util.List;

/**
 * What this machine is, as far as this process can see and use it.
 *
 * @param cpu the processor
 * @param memory main memory and its limits
 * @param storage the storage under the path that was asked about
 * @param numa how memory is spread over nodes
 * @param jvm what the JVM takes or allows
 * @param warnings what could not be found out, one line each
 */
public record HardwareProfile(
    Cpu cpu, Memory memory, Storage storage, Numa numa, Jvm jvm, List<String> warnings) {

  /** Copies the list. */
  public HardwareProfile {
    warnings = List.copyOf(warnings);
  }
}
