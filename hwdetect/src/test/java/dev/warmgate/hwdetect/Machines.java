package dev.warmgate.hwdetect;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeSet;

/** Made-up machines for the planner's tests: a plain one, and what differs from it. */
final class Machines {

  static final long MIB = 1 << 20;
  static final long GIB = 1 << 30;

  static final Set<String> AVX2 = Set.of("avx2", "fma", "f16c", "bmi1", "bmi2");

  private Machines() {}

  static Cpu cpu(Arch arch, Set<String> features) {
    return new Cpu("", "", arch, new TreeSet<>(features), List.of(), cores(4, 8, -1));
  }

  static Cores cores(int physical, int logical, double quota) {
    return new Cores(
        physical,
        logical,
        physical,
        logical,
        quota < 0 ? OptionalDouble.empty() : OptionalDouble.of(quota));
  }

  static Memory memory(long available, MemoryLimit... limits) {
    return new Memory(OptionalLong.of(64 * GIB), OptionalLong.of(available), List.of(limits));
  }

  static Storage storage(StorageKind kind, DirectIo directIo, int block, int queue) {
    BlockDevice device =
        new BlockDevice("disk0", Optional.empty(), optional(block), optional(queue));
    return new Storage(
        Path.of("/models"),
        "ext4",
        kind,
        "disk disk0",
        Optional.of(device),
        OptionalLong.empty(),
        OptionalLong.empty(),
        directIo);
  }

  static DirectIo direct(int alignment) {
    return new DirectIo(true, alignment, "a direct read worked");
  }

  static HardwareProfile plain() {
    return new HardwareProfile(
        cpu(Arch.X86_64, AVX2),
        memory(16 * GIB),
        storage(StorageKind.NVME, direct(4096), 512, 1023),
        new Numa(List.of()),
        new Jvm(8, GIB, GIB),
        List.of());
  }

  static HardwareProfile with(Cpu cpu) {
    HardwareProfile p = plain();
    return new HardwareProfile(cpu, p.memory(), p.storage(), p.numa(), p.jvm(), p.warnings());
  }

  static HardwareProfile with(Cores cores, int processors) {
    HardwareProfile p = plain();
    Cpu cpu = new Cpu("", "", Arch.X86_64, new TreeSet<>(AVX2), List.of(), cores);
    Jvm jvm = new Jvm(processors, GIB, GIB);
    return new HardwareProfile(cpu, p.memory(), p.storage(), p.numa(), jvm, p.warnings());
  }

  static HardwareProfile with(Memory memory, Jvm jvm) {
    HardwareProfile p = plain();
    return new HardwareProfile(p.cpu(), memory, p.storage(), p.numa(), jvm, p.warnings());
  }

  static HardwareProfile with(Storage storage) {
    HardwareProfile p = plain();
    return new HardwareProfile(p.cpu(), p.memory(), storage, p.numa(), p.jvm(), p.warnings());
  }

  private static OptionalInt optional(int value) {
    return value < 0 ? OptionalInt.empty() : OptionalInt.of(value);
  }
}
