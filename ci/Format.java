import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * The project's formatter gate: google-java-format over every Java source of the tree.
 *
 * <p>Run by Maven at the root: {@code check} fails and names the files that differ, {@code write}
 * rewrites them.
 */
public final class Format {
  private Format() {}

  public static void main(String[] args) throws IOException, FormatterException {
    boolean write = args[0].equals("write");
    var formatter =
        new Formatter(
            JavaFormatterOptions.builder().style(JavaFormatterOptions.Style.GOOGLE).build());
    List<Path> unformatted = new ArrayList<>();
    for (Path file : sources(Path.of(args[1]))) {
      String before = Files.readString(file);
      String after;
      try {
        after = formatter.formatSource(imports(before));
      } catch (FormatterException e) {
        throw new FormatterException(file + ": " + e.getMessage());
      }
      if (!after.equals(before)) {
        unformatted.add(file);
        if (write) {
          Files.writeString(file, after);
        }
      }
    }
    if (!unformatted.isEmpty()) {
      unformatted.forEach(file -> System.err.println((write ? "formatted " : "differs ") + file));
      if (!write) {
        System.err.println("run `mvn initialize` without CI set to format them");
        System.exit(1);
      }
    }
  }

  /** Those that are used, in their order. */
  private static String imports(String source) throws FormatterException {
    return ImportOrderer.reorderImports(
        RemoveUnusedImports.removeUnusedImports(source), JavaFormatterOptions.Style.GOOGLE);
  }

  private static List<Path> sources(Path root) throws IOException {
    try (var paths = Files.walk(root)) {
      return paths
          .filter(p -> p.toString().endsWith(".java"))
          .filter(p -> !root.relativize(p).toString().matches("(.*/)?(target|\\.git)/.*"))
          .sorted()
          .toList();
    }
  }
}
