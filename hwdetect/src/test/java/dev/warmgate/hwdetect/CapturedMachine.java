package dev.warmgate.hwdetect;

import dev.warmgate.hwdetect.linux.CpuList;
import dev.warmgate.hwdetect.linux.SystemFiles;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A machine's files, kept in one text: {@code === PATH} starts a file, {@code === link PATH} a
 * link, whose target is the next line, and {@code === threads} the hardware threads as {@code
 * number:socket:core}.
 */
public final class CapturedMachine {

  private final SystemFiles files;
  private final List<Processor.HardwareThread> threads = new ArrayList<>();

  private CapturedMachine(SystemFiles files) {
    this.files = files;
  }

  /** Unpacks a machine of the test resources into an empty folder. */
  public static CapturedMachine unpack(String name, Path folder) {
    try {
      CapturedMachine machine = new CapturedMachine(new SystemFiles(folder));
      for (Map.Entry<String, List<String>> section : sections(name).entrySet()) {
        machine.add(section.getKey(), section.getValue());
      }
      return machine;
    } catch (IOException e) {
      throw new UncheckedIOException(name, e);
    }
  }

  /** Its files. */
  @SuppressWarnings("exports") // for the tests of this module alone
  public SystemFiles files() {
    return files;
  }

  /** What OSHI would say. */
  Processor processor() {
    List<String> featureLines =
        files.lines("/proc/cpuinfo").stream()
            .filter(line -> line.startsWith("flags") || line.startsWith("Features"))
            .distinct()
            .toList();
    return new Processor(featureLines, List.of(), threads);
  }

  /** The whole profile. */
  HardwareProfile profile(String arch, Path storage) {
    Jvm jvm = new Jvm(threads.isEmpty() ? 1 : threads.size(), 1 << 30, 1 << 28);
    return new Detection(files, processor(), jvm).detect(arch, storage);
  }

  private void add(String title, List<String> lines) throws IOException {
    if (title.equals("threads")) {
      for (String thread : String.join(" ", lines).split(" ", -1)) {
        if (!thread.isEmpty()) {
          List<Integer> numbers = new ArrayList<>();
          for (String number : thread.split(":", -1)) {
            numbers.addAll(CpuList.parse(number));
          }
          threads.add(new Processor.HardwareThread(numbers.get(0), numbers.get(1), numbers.get(2)));
        }
      }
      return;
    }
    boolean link = title.startsWith("link ");
    Path path = files.root().resolve(title.substring(link ? "link /".length() : 1));
    Files.createDirectories(path.getParent());
    if (link) {
      Files.createSymbolicLink(path, Path.of(lines.getFirst()));
    } else {
      Files.write(path, lines);
    }
  }

  private static Map<String, List<String>> sections(String name) throws IOException {
    Map<String, List<String>> sections = new LinkedHashMap<>();
    List<String> current = new ArrayList<>();
    try (InputStream in = CapturedMachine.class.getResourceAsStream("machines/" + name + ".txt")) {
      for (String line : new String(in.readAllBytes(), StandardCharsets.UTF_8).lines().toList()) {
        if (line.startsWith("=== ")) {
          current = new ArrayList<>();
          sections.put(line.substring("=== ".length()), current);
        } else {
          current.add(line);
        }
      }
    }
    return sections;
  }
}
