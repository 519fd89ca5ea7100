package dev.warmgate.hwdetect;

import dev.warmgate.hwdetect.linux.CgroupLimit;
import dev.warmgate.hwdetect.linux.CgroupReader;
import dev.warmgate.hwdetect.linux.CpuList;
import dev.warmgate.hwdetect.linux.CpuName;
import dev.warmgate.hwdetect.linux.FeatureFlags;
import dev.warmgate.hwdetect.linux.KeyedSizes;
import dev.warmgate.hwdetect.linux.NodeReader;
import dev.warmgate.hwdetect.linux.ProcessLimits;
import dev.warmgate.hwdetect.linux.SystemFiles;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import java.util.SortedSet;

/** Puts a profile together from what OSHI, the kernel's files and the JVM say. */
final class Detection {

  private final SystemFiles files;
  private final Processor processor;
  private final Jvm jvm;
  private final List<String> warnings = new ArrayList<>();

  /**
   * Starts a detection.
   *
   * @param files the kernel's files
   * @param processor what OSHI says
   * @param jvm what the JVM says
   */
  Detection(SystemFiles files, Processor processor, Jvm jvm) {
    this.files = files;
    this.processor = processor;
    this.jvm = jvm;
  }

  /**
   * Detects.
   *
   * @param arch name of the architecture, as the JVM has it
   */
  HardwareProfile detect(String arch, Path storagePath) {
    CgroupReader cgroups = new CgroupReader(files);
    Cpu cpu = cpu(Arch.of(arch), cgroups.cpuQuota());
    Memory memory = memory(cgroups.memoryLimits());
    Storage storage = new StorageReader(files).read(storagePath, warnings);
    Numa numa =
        new Numa(
            NodeReader.read(files).stream()
                .map(
                    node ->
                        new NumaNode(node.id(), node.cpus(), node.totalBytes(), node.freeBytes()))
                .toList());
    return new HardwareProfile(cpu, memory, storage, numa, jvm, warnings);
  }

  private Cpu cpu(Arch arch, OptionalDouble quota) {
    SortedSet<String> features = FeatureFlags.parse(processor.featureLines());
    if (features.isEmpty()) {
      warnings.add("CPU features: no feature line could be read");
    }
    if (processor.threads().isEmpty()) {
      warnings.add("CPU cores: not known, taken to be the JVM's " + jvm.processors());
    }
    Cores cores = CoreCounts.count(processor.threads(), affinity(), jvm.processors(), quota);
    CpuName name = CpuName.parse(files.lines("/proc/cpuinfo"));
    return new Cpu(name.vendor(), name.model(), arch, features, processor.caches(), cores);
  }

  private List<Integer> affinity() {
    String key = "Cpus_allowed_list:";
    return files.lines("/proc/self/status").stream()
        .filter(line -> line.startsWith(key))
        .findFirst()
        .map(line -> CpuList.parse(line.substring(key.length())))
        .orElse(List.of());
  }

  private Memory memory(List<CgroupLimit> cgroupLimits) {
    KeyedSizes info = KeyedSizes.parse(files.lines("/proc/meminfo"));
    if (info.get("MemAvailable").isEmpty()) {
      warnings.add("memory: /proc/meminfo does not say how much is available");
    }
    List<MemoryLimit> limits = new ArrayList<>();
    for (CgroupLimit limit : cgroupLimits) {
      limits.add(
          new MemoryLimit(
              limit.version() == 1 ? MemoryLimit.Kind.CGROUP_V1 : MemoryLimit.Kind.CGROUP_V2,
              limit.group() + " " + limit.file(),
              limit.limitBytes(),
              limit.usedBytes(),
              limit.reclaimableBytes()));
    }
    OptionalLong addressSpace =
        ProcessLimits.soft("Max address space", files.lines("/proc/self/limits"));
    if (addressSpace.isPresent()) {
      long used = KeyedSizes.parse(files.lines("/proc/self/status")).get("VmSize").orElse(0);
      limits.add(
          new MemoryLimit(
              MemoryLimit.Kind.PROCESS, "address space", addressSpace.getAsLong(), used, 0));
    }
    return new Memory(info.get("MemTotal"), info.get("MemAvailable"), limits);
  }
}
