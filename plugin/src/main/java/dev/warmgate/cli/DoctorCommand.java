package dev.warmgate.cli;

import com.google.gson.JsonObject;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.hwdetect.Cpu;
import dev.warmgate.hwdetect.Decision;
import dev.warmgate.hwdetect.HardwareDetector;
import dev.warmgate.hwdetect.HardwareProfile;
import dev.warmgate.hwdetect.Memory;
import dev.warmgate.hwdetect.MemoryLimit;
import dev.warmgate.hwdetect.Plan;
import dev.warmgate.hwdetect.PlanRequest;
import dev.warmgate.hwdetect.Planner;
import dev.warmgate.hwdetect.Storage;
import dev.warmgate.kernels.Kernels;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.stream.Collectors;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The machine, and the plan that follows from it. */
@Command(
    name = "doctor",
    mixinStandardHelpOptions = true,
    description = "Shows this machine and the plan for it, each line with its reason.")
final class DoctorCommand extends WarmgateCommand {
  @Parameters(
      arity = "0..1",
      paramLabel = "PATH",
      defaultValue = ".",
      description = "Where the models lie, to look at the storage under it (the current folder).")
  private Path path;

  @Option(
      names = "--option",
      paramLabel = "KEY=VALUE",
      description = "Plan with a session option, for instance tier=avx2.")
  private final Map<String, String> options = new LinkedHashMap<>();

  DoctorCommand(Console console) {
    super(console);
  }

  @Override
  public Integer call() throws IOException {
    if (!Files.exists(path)) {
      throw new IOException(path + ": no such file or folder");
    }
    WarmgateOptions parsed = WarmgateOptions.parse(options);
    HardwareProfile profile = HardwareDetector.detect(path);
    Plan plan =
        Planner.plan(
            profile,
            new PlanRequest(parsed.tier(), parsed.threads(), parsed.ioThreads()),
            Kernels::availability);
    if (json()) {
      print(json(profile, plan));
    } else {
      print(profile, plan);
    }
    return Main.DONE;
  }

  private static JsonObject json(HardwareProfile profile, Plan plan) {
    return Json.object(
        "cpu", json(profile.cpu()),
        "memory", json(profile.memory()),
        "storage", json(profile.storage()),
        "numa",
            profile.numa().nodes().stream()
                .map(
                    node ->
                        Json.object(
                            "id", node.id(),
                            "cpus", node.cpus(),
                            "total_bytes", node.totalBytes(),
                            "free_bytes", node.freeBytes()))
                .toList(),
        "jvm",
            Json.object(
                "processors", profile.jvm().processors(),
                "heap_max_bytes", profile.jvm().heapMaxBytes()),
        "plan", json(plan),
        "warnings", profile.warnings());
  }

  private static JsonObject json(Cpu cpu) {
    return Json.object(
        "model", cpu.model(),
        "vendor", cpu.vendor(),
        "arch", cpu.arch().id(),
        "features", cpu.features(),
        "cores", cpu.cores().physical(),
        "logical_cores", cpu.cores().logical(),
        "usable_cores", cpu.cores().usablePhysical(),
        "usable_logical_cores", cpu.cores().usableLogical(),
        "quota_cores", cpu.cores().quota(),
        "caches",
            cpu.caches().stream()
                .map(
                    cache ->
                        Json.object(
                            "level", cache.level(),
                            "type", cache.type(),
                            "bytes", cache.bytes(),
                            "line_bytes", cache.lineBytes()))
                .toList());
  }

  private static JsonObject json(Memory memory) {
    return Json.object(
        "total_bytes", memory.totalBytes(),
        "available_bytes", memory.availableBytes(),
        "cgroup_limit_bytes", memory.cgroupLimit().map(MemoryLimit::limitBytes),
        "limits",
            memory.limits().stream()
                .map(
                    limit ->
                        Json.object(
                            "kind", limit.kind().title(),
                            "name", limit.name(),
                            "limit_bytes", limit.limitBytes(),
                            "used_bytes", limit.usedBytes(),
                            "available_bytes", limit.availableBytes()))
                .toList());
  }

  private static JsonObject json(Storage storage) {
    return Json.object(
        "path", storage.path(),
        "file_system", storage.fileSystem(),
        "kind", storage.kind().id(),
        "kind_reason", storage.kindReason(),
        "device", storage.device().map(device -> device.name()),
        "total_bytes", storage.totalBytes(),
        "free_bytes", storage.freeBytes(),
        "direct_io", storage.directIo().works(),
        "direct_io_reason", storage.directIo().reason());
  }

  private static JsonObject json(Plan plan) {
    JsonObject json =
        Json.object(
            "tier", plan.tier().id(),
            "tier_reason", plan.decision("tier").map(Decision::reason),
            "threads", plan.threads(),
            "io_threads", plan.ioThreads(),
            "expert_memory_bytes", plan.expertMemoryBytes(),
            "slot_alignment", plan.slotAlignment(),
            "read_bytes", plan.readBytes(),
            "queue_depth", plan.queueDepth(),
            "direct_io", plan.directIo());
    json.add(
        "decisions",
        Json.of(
            plan.decisions().stream()
                .map(d -> Json.object("name", d.name(), "value", d.value(), "reason", d.reason()))
                .toList()));
    return json;
  }

  private void print(HardwareProfile profile, Plan plan) {
    PrintStream out = console().out();
    Cpu cpu = profile.cpu();
    Storage storage = profile.storage();
    out.print(
        TextTable.ofText()
            .row("cpu", cpu.model() + " (" + cpu.arch().id() + ", " + cpu.vendor() + ")")
            .row(
                "cores",
                "%d physical, %d logical; usable here %d and %d"
                    .formatted(
                        cpu.cores().physical(),
                        cpu.cores().logical(),
                        cpu.cores().usablePhysical(),
                        cpu.cores().usableLogical()))
            .row(
                "caches",
                cpu.caches().stream()
                    .map(c -> "L" + c.level() + " " + c.type() + " " + Texts.bytes(c.bytes()))
                    .distinct()
                    .collect(Collectors.joining(", ")))
            .row("features", features(cpu))
            .row(
                "memory",
                bytes(profile.memory().totalBytes())
                    + ", "
                    + bytes(profile.memory().availableBytes())
                    + " available")
            .row(
                "cgroup limit",
                profile.memory().cgroupLimit().map(DoctorCommand::text).orElse("none"))
            .row(
                "storage",
                "%s: %s on %s, %s free (%s)"
                    .formatted(
                        storage.path(),
                        storage.fileSystem(),
                        storage.kind().id(),
                        bytes(storage.freeBytes()),
                        storage.kindReason()))
            .row("numa", Texts.count(profile.numa().nodes().size(), "node")));
    out.println();
    TextTable table = TextTable.ofText().row("plan", "", "because");
    plan.decisions().forEach(d -> table.row(d.name(), d.value(), d.reason()));
    out.print(table);
    profile.warnings().forEach(warning -> out.println("warning: " + warning));
  }

  /** Those that the kernels ask for; the JSON has all. */
  private static String features(Cpu cpu) {
    return cpu.features().stream()
        .filter(feature -> feature.matches("avx.*|fma|f16c|bmi.|asimd.*|sve.*|i8mm|bf16"))
        .collect(Collectors.joining(" "));
  }

  private static String text(MemoryLimit limit) {
    return "%s (%s), %s of it free"
        .formatted(
            Texts.bytes(limit.limitBytes()), limit.title(), Texts.bytes(limit.availableBytes()));
  }

  private static String bytes(OptionalLong bytes) {
    return bytes.isPresent() ? Texts.bytes(bytes.getAsLong()) : "unknown";
  }
}
