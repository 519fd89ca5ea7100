package dev.warmgate.generate;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import com.google.gson.JsonPrimitive;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A JSON object of a configuration file that knows where it stands, so that every error can name
 * the file and the key.
 */
final class ConfigNode {
  private final Path file;
  private final String path;
  private final JsonObject json;

  private ConfigNode(Path file, String path, JsonObject json) {
    this.file = file;
    this.path = path;
    this.json = json;
  }

  static ConfigNode read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": no such file");
    }
    try (Reader reader = Files.newBufferedReader(file)) {
      if (JsonParser.parseReader(reader) instanceof JsonObject json) {
        return new ConfigNode(file, "", json);
      }
      throw new IOException(file + ": not a JSON object");
    } catch (JsonParseException e) {
      throw new IOException(file + ": not valid JSON: " + e.getMessage(), e);
    }
  }

  ConfigNode object(String key) throws IOException {
    return optionalObject(key).orElseThrow(() -> error(key, "is missing"));
  }

  Optional<ConfigNode> optionalObject(String key) throws IOException {
    return switch (json.get(key)) {
      case null -> Optional.empty();
      case JsonObject object -> Optional.of(new ConfigNode(file, path + key + ".", object));
      case JsonElement other -> throw error(key, "is not an object: " + other);
    };
  }

  String text(String key) throws IOException {
    return optionalText(key).orElseThrow(() -> error(key, "is missing"));
  }

  /** A file of a folder. */
  Path file(String key, Path directory) throws IOException {
    String name = text(key);
    try {
      return directory.resolve(name);
    } catch (InvalidPathException e) {
      throw error(key, "can't be the name of a file: " + e.getReason());
    }
  }

  private Optional<String> optionalText(String key) throws IOException {
    return switch (json.get(key)) {
      case null -> Optional.empty();
      case JsonPrimitive value when value.isString() && !value.getAsString().isEmpty() ->
          Optional.of(value.getAsString());
      case JsonElement other -> throw error(key, "is not a name: " + other);
    };
  }

  /** A whole number above 0. */
  int positive(String key) throws IOException {
    JsonElement value = json.get(key);
    if (value == null) {
      throw error(key, "is missing");
    }
    int number = integer(key, value);
    if (number <= 0) {
      throw error(key, "is not above 0: " + number);
    }
    return number;
  }

  /** A whole number, a list of them, or nothing. */
  List<Integer> integers(String key) throws IOException {
    List<Integer> numbers = new ArrayList<>();
    switch (json.get(key)) {
      case null -> {}
      case JsonArray array -> {
        for (JsonElement element : array) {
          numbers.add(integer(key, element));
        }
      }
      case JsonElement single -> numbers.add(integer(key, single));
    }
    return numbers;
  }

  private int integer(String key, JsonElement value) throws IOException {
    if (value instanceof JsonPrimitive number && number.isNumber()) {
      double real = number.getAsDouble();
      if (real == (int) real) {
        return (int) real;
      }
    }
    throw error(key, "is not a whole number: " + value);
  }

  /** A name in an object that may itself be absent. */
  static String name(Optional<ConfigNode> node, String key, String otherwise) throws IOException {
    return node.isEmpty() ? otherwise : node.get().optionalText(key).orElse(otherwise);
  }

  /** A name with a place for the layer's number. */
  static String pattern(Optional<ConfigNode> node, String key, String otherwise)
      throws IOException {
    String pattern = name(node, key, otherwise);
    if (!pattern.contains("%d")) {
      throw node.orElseThrow().error(key, "has no %d for the layer: " + pattern);
    }
    return pattern;
  }

  IOException error(String key, String reason) {
    return new IOException(file + ": " + path + key + " " + reason);
  }
}
