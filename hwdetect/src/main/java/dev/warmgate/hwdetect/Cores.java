package dev.warmgate.hwdetect;

import java.util.OptionalDouble;

/**
 * CPU cores: what the machine has and what this process may use.
 *
 * @param physical cores of the machine, at least 1
 * @param logical hardware threads of the machine, at least {@code physical}
 * @param usablePhysical different physical cores in this process's affinity mask, at least 1
 * @param usableLogical hardware threads in this process's affinity mask, at least 1
 * @param quota CPUs' worth of time that the tightest cgroup quota grants; empty without a quota
 */
public record Cores(
    int physical, int logical, int usablePhysical, int usableLogical, OptionalDouble quota) {}
