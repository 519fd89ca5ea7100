package dev.warmgate.config;

import java.io.IOException;
import java.io.Reader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.TreeMap;

/**
 * Session options in a file beside a model, for hosts that have no way to pass them: lines {@code
 * key=value} as {@link Properties} reads them.
 */
public final class OptionsFile {
  /** Its name in the model's folder. */
  public static final String NAME = "warmgate.properties";

  private OptionsFile() {}

  /** A file's content. */
  public static byte[] content(Map<String, String> options) {
    StringBuilder lines = new StringBuilder();
    new TreeMap<>(options)
        .forEach(
            (key, value) ->
                lines.append(key).append('=').append(value.replace("\\", "\\\\")).append('\n'));
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  /**
   * The options beside a model.
   *
   * @return none, if there is no such file
   * @throws IOException in one line, if the file can't be read
   */
  public static Map<String, String> read(Path folder) throws IOException {
    Path file = folder.resolve(NAME);
    if (!Files.exists(file)) {
      return Map.of();
    }
    Properties properties = new Properties();
    try (Reader in = Files.newBufferedReader(file)) {
      properties.load(in);
    } catch (IOException | IllegalArgumentException e) {
      throw new IOException(file + ": can't be read: " + e.getMessage(), e);
    }
    Map<String, String> options = new TreeMap<>();
    properties.stringPropertyNames().forEach(key -> options.put(key, properties.getProperty(key)));
    return options;
  }
}
