package dev.warmgate.simulate;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParseException;
import com.google.gson.JsonParser;
import dev.warmgate.simulate.Trace.Header;
import dev.warmgate.simulate.Trace.Sequence;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/** Reads a trace and checks all of it. An error is one line that names the file. */
public final class TraceReader {
  static final String JSON = ".json";
  static final String LOGITS = ".logits.f16";
  private static final int MAX_LAYERS = 1 << 12;
  private static final int MAX_EXPERTS = 1 << 16;

  private final Path json;

  private TraceReader(Path json) {
    this.json = json;
  }

  /**
   * Reads a trace.
   *
   * @param path of its files without suffix; that of the JSON file will do, too
   * @throws IOException if a file is missing or makes no sense
   */
  public static Trace read(Path path) throws IOException {
    String name = path.toString();
    String base = name.endsWith(JSON) ? name.substring(0, name.length() - JSON.length()) : name;
    return new TraceReader(Path.of(base + JSON)).read(base);
  }

  private Trace read(String base) throws IOException {
    JsonObject object = parse();
    Header header = header(object);
    Path idFile = Path.of(base + header.idSuffix());
    MemorySegment ids = map(idFile);
    if (ids.byteSize() == 0 || ids.byteSize() % header.tokenBytes() != 0) {
      throw new IOException(
          "%s: %d bytes are not a number of tokens of %d bytes"
              .formatted(idFile, ids.byteSize(), header.tokenBytes()));
    }
    long tokens = ids.byteSize() / header.tokenBytes();
    Trace trace =
        new Trace(header, sequences(object, tokens, idFile), ids, logits(base, header, tokens));
    checkIds(trace, idFile);
    return trace;
  }

  private JsonObject parse() throws IOException {
    requireFile(json);
    try {
      return JsonParser.parseString(Files.readString(json)).getAsJsonObject();
    } catch (CharacterCodingException e) {
      throw new IOException(json + ": not a text in UTF-8", e);
    } catch (JsonParseException | IllegalStateException e) {
      throw new IOException(json + ": not a JSON object", e);
    }
  }

  private Header header(JsonObject object) throws IOException {
    int layers = (int) number(object, "layers", 1, MAX_LAYERS);
    int experts = (int) number(object, "experts", 1, MAX_EXPERTS);
    int topK = (int) number(object, "top_k", 1, experts);
    return new Header(string(object, "model"), layers, experts, topK);
  }

  /** In the order of the file; each has tokens, none overlaps another, and all are covered. */
  private List<Sequence> sequences(JsonObject object, long tokens, Path idFile) throws IOException {
    if (!(object.get("sequences") instanceof JsonArray array)) {
      throw new IOException(json + ": sequences is missing or no list");
    }
    List<Sequence> sequences = new ArrayList<>();
    for (JsonElement element : array) {
      if (!(element instanceof JsonObject sequence)) {
        throw new IOException(json + ": a sequence is no object");
      }
      sequences.add(
          new Sequence(
              string(sequence, "name"),
              number(sequence, "offset", 0, tokens - 1),
              number(sequence, "tokens", 1, tokens)));
    }
    long covered = 0;
    for (Sequence sequence :
        sequences.stream().sorted(Comparator.comparingLong(Sequence::offset)).toList()) {
      if (sequence.offset() != covered) {
        throw new IOException(
            "%s: sequence '%s' begins at token %d, %s"
                .formatted(
                    json,
                    sequence.name(),
                    sequence.offset(),
                    sequence.offset() < covered
                        ? "before the end of another at " + covered
                        : "and none has token " + covered));
      }
      covered = sequence.end();
    }
    if (covered != tokens) {
      throw new IOException(
          "%s: its sequences have %d tokens, but %s has %d"
              .formatted(json, covered, idFile, tokens));
    }
    return List.copyOf(sequences);
  }

  private static Optional<MemorySegment> logits(String base, Header header, long tokens)
      throws IOException {
    Path file = Path.of(base + LOGITS);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    MemorySegment logits = map(file);
    long expected = tokens * header.logitBytes();
    if (logits.byteSize() != expected) {
      throw new IOException(
          "%s: %d bytes instead of %d, for %d tokens"
              .formatted(file, logits.byteSize(), expected, tokens));
    }
    return Optional.of(logits);
  }

  private static void checkIds(Trace trace, Path file) throws IOException {
    Header header = trace.header();
    // Per expert: the last selection that it was found in.
    long[] found = new long[header.experts()];
    long selection = 0;
    int[] experts = new int[header.topK()];
    for (long token = 0; token < trace.tokens(); token++) {
      for (int layer = 0; layer < header.layers(); layer++) {
        selection++;
        trace.experts(token, layer, experts);
        for (int expert : experts) {
          if (expert >= header.experts() || found[expert] == selection) {
            throw new IOException(
                "%s: token %d, layer %d: expert %d %s"
                    .formatted(
                        file,
                        token,
                        layer,
                        expert,
                        expert >= header.experts()
                            ? "of " + header.experts()
                            : "is selected twice"));
          }
          found[expert] = selection;
        }
      }
    }
  }

  private static MemorySegment map(Path file) throws IOException {
    requireFile(file);
    // Unmapped once nothing refers to it. Whoever truncates the file meanwhile gets an error.
    try (FileChannel channel = FileChannel.open(file)) {
      return channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
    }
  }

  private static void requireFile(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new IOException(file + ": " + (Files.exists(file) ? "not a file" : "no such file"));
    }
  }

  private String string(JsonObject object, String key) throws IOException {
    JsonElement value = object.get(key);
    if (value == null || !value.isJsonPrimitive() || !value.getAsJsonPrimitive().isString()) {
      throw new IOException("%s: %s is missing or no string".formatted(json, key));
    }
    return value.getAsString();
  }

  private long number(JsonObject object, String key, long least, long most) throws IOException {
    JsonElement value = object.get(key);
    if (value != null && value.isJsonPrimitive() && value.getAsString().matches("\\d{1,18}")) {
      long number = Long.parseLong(value.getAsString());
      if (number >= least && number <= most) {
        return number;
      }
    }
    throw new IOException(
        "%s: %s is %s, not a number from %d to %d".formatted(json, key, value, least, most));
  }
}
