package dev.warmgate.host.triton;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import dev.warmgate.host.session.TensorSpec;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The inputs and outputs of a model, and what {@code config.pbtxt} has to say of them: it may say
 * nothing, which is completed, or something, which must be so.
 *
 * @param inputs of the model
 * @param outputs of the model
 * @param batched whether the first dimension of all of them is Triton's batch
 */
record ModelSignature(List<TensorSpec> inputs, List<TensorSpec> outputs, boolean batched) {
  private static final long OPEN = -1;

  /** Keeps the lists as they are now. */
  ModelSignature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /**
   * The configuration with what it leaves out.
   *
   * @throws TritonException if it says what isn't so, or Triton can't serve the model
   */
  JsonObject complete(String model, JsonObject config) {
    JsonObject complete = config.deepCopy();
    complete.add("input", list(model, "input", inputs, config));
    complete.add("output", list(model, "output", outputs, config));
    return complete;
  }

  private JsonArray list(String model, String kind, List<TensorSpec> specs, JsonObject config) {
    JsonArray given = config.get(kind) instanceof JsonArray array ? array : new JsonArray();
    if (given.isEmpty()) {
      specs.forEach(spec -> given.add(describe(model, kind, spec)));
      return given;
    }
    List<String> named = new ArrayList<>();
    for (JsonElement element : given) {
      JsonObject tensor = element.getAsJsonObject();
      String name = tensor.get("name").getAsString();
      named.add(name);
      TensorSpec spec =
          specs.stream()
              .filter(s -> s.name().equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      TritonException.invalid(
                          "model '%s' has no %s '%s', which config.pbtxt names; it has: %s",
                          model,
                          kind,
                          name,
                          String.join(", ", specs.stream().map(TensorSpec::name).toList())));
      check(model, kind, spec, tensor);
    }
    for (TensorSpec spec : specs) {
      if (kind.equals("input") && !spec.optional() && !named.contains(spec.name())) {
        throw TritonException.invalid(
            "model '%s' needs an input '%s', which config.pbtxt leaves out", model, spec.name());
      }
    }
    return given;
  }

  private void check(String model, String kind, TensorSpec spec, JsonObject given) {
    JsonObject actual = describe(model, kind, spec);
    String type = given.get("data_type").getAsString();
    if (!type.equals(actual.get("data_type").getAsString())) {
      throw TritonException.invalid(
          "model '%s', %s '%s': config.pbtxt says %s, but the model has %s",
          model, kind, spec.name(), type, actual.get("data_type").getAsString());
    }
    List<Long> said = dims(shape(given).orElse(given.getAsJsonArray("dims")));
    List<Long> has = dims(shape(actual).orElse(actual.getAsJsonArray("dims")));
    boolean fits = said.size() == has.size();
    for (int i = 0; fits && i < has.size(); i++) {
      fits = said.get(i).equals(has.get(i)) || said.get(i) == OPEN || has.get(i) == OPEN;
    }
    if (!fits) {
      throw TritonException.invalid(
          "model '%s', %s '%s': config.pbtxt says dims %s, but the model has %s%s",
          model, kind, spec.name(), said, has, batched ? " behind the batch" : "");
    }
  }

  private static Optional<JsonArray> shape(JsonObject given) {
    return given.get("reshape") instanceof JsonObject reshape
        ? Optional.ofNullable(reshape.getAsJsonArray("shape"))
        : Optional.empty();
  }

  private static List<Long> dims(JsonArray array) {
    List<Long> dims = new ArrayList<>();
    if (array != null) {
      array.forEach(dim -> dims.add(dim.getAsLong()));
    }
    return dims;
  }

  private JsonObject describe(String model, String kind, TensorSpec spec) {
    if (DataTypes.number(spec.type()).isEmpty()) {
      throw new TritonException(
          TritonException.Code.UNSUPPORTED,
          "model '%s': %s '%s' is of type %s, which Triton doesn't have"
              .formatted(model, kind, spec.name(), spec.type().text()));
    }
    List<Long> dims = spec.dims();
    if (batched) {
      if (dims.isEmpty() || dims.getFirst() != OPEN) {
        throw TritonException.invalid(
            "model '%s': max_batch_size is set, but the first dimension of %s '%s' %s is not open",
            model, kind, spec.name(), dims);
      }
      dims = dims.subList(1, dims.size());
    }
    JsonObject json = new JsonObject();
    json.addProperty("name", spec.name());
    json.addProperty("data_type", DataTypes.configName(spec.type()));
    JsonArray array = new JsonArray();
    dims.forEach(array::add);
    if (batched && dims.isEmpty()) {
      // Triton knows no tensor without dimensions behind the batch, but lets one be dropped.
      JsonObject none = new JsonObject();
      none.add("shape", array);
      json.add("reshape", none);
      array = new JsonArray();
      array.add(1);
    }
    json.add("dims", array);
    if (spec.optional()) {
      json.addProperty("optional", true);
    }
    return json;
  }
}
