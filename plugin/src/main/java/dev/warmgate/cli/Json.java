package dev.warmgate.cli;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** JSON from Java values. */
final class Json {
  private static final Gson GSON =
      new GsonBuilder().serializeNulls().disableHtmlEscaping().create();

  private Json() {}

  /** An object of alternating keys and values, in that order; values as in {@link #of}. */
  static JsonObject object(Object... keysAndValues) {
    JsonObject object = new JsonObject();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      object.add((String) keysAndValues[i], of(keysAndValues[i + 1]));
    }
    return object;
  }

  /**
   * A JSON value of a string, boolean, number, path, collection, map, optional or null. What JSON
   * has no number for (NaN, infinity) becomes null.
   */
  static JsonElement of(Object value) {
    return switch (value) {
      case null -> JsonNull.INSTANCE;
      case JsonElement element -> element;
      case Double number when !Double.isFinite(number) -> JsonNull.INSTANCE;
      case Number number -> new JsonPrimitive(number);
      case Boolean bool -> new JsonPrimitive(bool);
      case Optional<?> optional -> of(optional.orElse(null));
      case OptionalInt number -> number.isEmpty() ? JsonNull.INSTANCE : of(number.getAsInt());
      case OptionalLong number -> number.isEmpty() ? JsonNull.INSTANCE : of(number.getAsLong());
      case OptionalDouble number -> number.isEmpty() ? JsonNull.INSTANCE : of(number.getAsDouble());
      case Map<?, ?> map -> {
        JsonObject object = new JsonObject();
        map.forEach((key, element) -> object.add(key.toString(), of(element)));
        yield object;
      }
      case Path path -> new JsonPrimitive(path.toString());
      case Iterable<?> elements -> {
        JsonArray array = new JsonArray();
        elements.forEach(element -> array.add(of(element)));
        yield array;
      }
      default -> new JsonPrimitive(value.toString());
    };
  }

  /** One line. */
  static String text(JsonElement element) {
    return GSON.toJson(element);
  }
}
