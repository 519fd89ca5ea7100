package dev.warmgate.onnx;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * The files beside a model that hold its weights.
 *
 * <p>A location must be relative and, once links are resolved, stay inside the folder that the
 * model was opened in, or inside the folder of the file that a linked model really is. ONNX Runtime
 * has the same rule; like it, this refuses a model that points anywhere else.
 */
final class ExternalFiles {
  private final Path folder;
  private final Path realFolder;
  private final Path realModelFolder;
  private final Map<String, Found> known = new HashMap<>();

  ExternalFiles(Path model) throws IOException {
    folder = model.getParent();
    realFolder = folder.toRealPath();
    realModelFolder = model.toRealPath().getParent();
  }

  /** A file and its size when it was looked at. */
  record Found(Path path, long bytes) {}

  /**
   * The file of that location.
   *
   * @throws BadLocation saying what is wrong with it
   */
  Found find(String location) throws BadLocation {
    Found found = known.get(location);
    if (found == null) {
      found = look(location);
      known.put(location, found);
    }
    return found;
  }

  private Found look(String location) throws BadLocation {
    if (location.isEmpty()) {
      throw new BadLocation("has external data without a location");
    }
    String quoted = "'" + location.replaceAll("\\p{Cntrl}", "?") + "'";
    try {
      Path relative = Path.of(location);
      if (relative.isAbsolute()) {
        throw new BadLocation("refers to the absolute path " + quoted + ", which is not allowed");
      }
      Path path = folder.resolve(relative).normalize();
      if (!path.startsWith(folder)) {
        throw new BadLocation("refers to " + quoted + ", which is outside the model's folder");
      }
      if (!Files.exists(path)) {
        throw new BadLocation("refers to the missing file " + quoted);
      }
      Path real = path.toRealPath();
      if (!real.startsWith(realFolder) && !real.startsWith(realModelFolder)) {
        throw new BadLocation("refers to " + quoted + ", which is outside the model's folder");
      }
      if (!Files.isRegularFile(real)) {
        throw new BadLocation("refers to " + quoted + ", which is not a file");
      }
      return new Found(path, Files.size(real));
    } catch (InvalidPathException e) {
      throw new BadLocation("refers to " + quoted + ", which is not a path");
    } catch (IOException e) {
      throw new BadLocation(
          "refers to " + quoted + ", which can't be looked at: " + e.getMessage());
    }
  }

  /** What is wrong with a location, to be put after the tensor's name. */
  static final class BadLocation extends Exception {
    private static final long serialVersionUID = 1L;

    BadLocation(String message) {
      super(message);
    }
  }
}
