package dev.warmgate.hwdetect;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import oshi.hardware.CentralProcessor;
import oshi.nativefree.SystemInfo;

/**
 * The one place that knows OSHI. Uses its variant without native code, which needs no second FFI
 * library beside FFM. Does not ask for the processor's identifier: to complete it OSHI starts up to
 * five programs, {@code lshw} among them, which may take seconds.
 */
final class OshiProcessor {

  private OshiProcessor() {}

  static Processor query() {
    CentralProcessor cpu = new SystemInfo().getHardware().getProcessor();
    return new Processor(
        cpu.getFeatureFlags(),
        cpu.getProcessorCaches().stream()
            .map(OshiProcessor::cache)
            .sorted(Comparator.comparingInt(Cache::level).thenComparing(Cache::type))
            .toList(),
        threads(cpu));
  }

  private static Cache cache(CentralProcessor.ProcessorCache cache) {
    return new Cache(
        cache.getLevel(),
        cache.getType().toString().toLowerCase(Locale.ROOT),
        cache.getCacheSize(),
        cache.getLineSize());
  }

  private static List<Processor.HardwareThread> threads(CentralProcessor cpu) {
    return cpu.getLogicalProcessors().stream()
        .map(
            thread ->
                new Processor.HardwareThread(
                    thread.getProcessorNumber(),
                    thread.getPhysicalPackageNumber(),
                    thread.getPhysicalProcessorNumber()))
        .toList();
  }
}
