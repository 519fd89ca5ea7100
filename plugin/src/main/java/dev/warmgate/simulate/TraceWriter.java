package dev.warmgate.simulate;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/** Writes a trace's files. */
public final class TraceWriter {
  private TraceWriter() {}

  /**
   * Writes a trace over what may be there. Each file is complete or as it was.
   *
   * @param base of the files, without suffix
   * @throws IOException if they can't be written
   */
  public static void write(Trace trace, Path base) throws IOException {
    Path folder = base.toAbsolutePath().getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new IOException(folder + ": no such folder");
    }
    Path logits = Path.of(base + TraceReader.LOGITS);
    if (trace.logits().isPresent()) {
      write(trace.logits().get(), logits);
    } else {
      // Of another trace, if there are any.
      Files.deleteIfExists(logits);
    }
    write(trace.ids(), Path.of(base + trace.header().idSuffix()));
    write(
        MemorySegment.ofArray(json(trace).toString().getBytes(StandardCharsets.UTF_8)),
        Path.of(base + TraceReader.JSON));
  }

  private static JsonObject json(Trace trace) {
    JsonObject object = new JsonObject();
    object.addProperty("model", trace.header().model());
    object.addProperty("layers", trace.header().layers());
    object.addProperty("experts", trace.header().experts());
    object.addProperty("top_k", trace.header().topK());
    JsonArray sequences = new JsonArray();
    for (Trace.Sequence sequence : trace.sequences()) {
      JsonObject entry = new JsonObject();
      entry.addProperty("name", sequence.name());
      entry.addProperty("offset", sequence.offset());
      entry.addProperty("tokens", sequence.tokens());
      sequences.add(entry);
    }
    object.add("sequences", sequences);
    return object;
  }

  private static void write(MemorySegment bytes, Path file) throws IOException {
    Path whole = Path.of(file + ".part");
    try (FileChannel channel =
        FileChannel.open(
            whole,
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE,
            StandardOpenOption.TRUNCATE_EXISTING)) {
      var buffer = bytes.asByteBuffer();
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    }
    Files.move(whole, file, StandardCopyOption.REPLACE_EXISTING);
  }
}
