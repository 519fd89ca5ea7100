package dev.warmgate.residency;

import com.google.gson.Gson;
import com.google.gson.GsonBuilder;
import dev.warmgate.failure.FailureText;
import dev.warmgate.metrics.ResidencyStats;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Optional;

/**
 * What a model's caches learned, kept from one process to the next: the hot set, and beside it the
 * statistics of the run that it comes from.
 *
 * <p>It only ever saves time, so nothing that is wrong with the file harms anybody: what can't be
 * read is ignored, what can't be written is left, and the log says so.
 */
final class StateFile {
  private static final System.Logger LOG = System.getLogger(StateFile.class.getName());
  private static final Gson GSON = new GsonBuilder().setPrettyPrinting().create();
  private static final int VERSION = 1;
  private static final long MAX_BYTES = 16 << 20;

  private final Path file;

  /** The file's content. */
  private record Content(int version, ResidencyStats statistics, HotSet hotSet) {}

  StateFile(Path file) {
    this.file = file;
  }

  /** What was kept, if it is there and whole. */
  Optional<HotSet> read() {
    try {
      if (!Files.isRegularFile(file)) {
        return Optional.empty();
      }
      if (Files.size(file) > MAX_BYTES) {
        throw new IOException("it is too large");
      }
      Content content =
          GSON.fromJson(Files.readString(file, StandardCharsets.UTF_8), Content.class);
      if (content == null || content.version() != VERSION || content.hotSet() == null) {
        throw new IOException("it is of another version");
      }
      return Optional.of(content.hotSet());
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.INFO, "{0} is ignored: {1}", file, reason(e));
      return Optional.empty();
    }
  }

  /** Keeps a hot set: the whole file is replaced, or left as it was. */
  void write(HotSet hotSet, ResidencyStats statistics) {
    try {
      Files.createDirectories(file.getParent());
      Path draft = Files.createTempFile(file.getParent(), file.getFileName().toString(), ".tmp");
      try {
        Files.writeString(draft, GSON.toJson(new Content(VERSION, statistics, hotSet)));
        Files.move(
            draft, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(draft);
      }
    } catch (IOException | RuntimeException e) {
      LOG.log(System.Logger.Level.INFO, "{0} can''t be written: {1}", file, reason(e));
    }
  }

  /** What went wrong at the bottom of it, in one line. */
  private static String reason(Throwable thrown) {
    Throwable cause = thrown;
    while (cause.getCause() != null) {
      cause = cause.getCause();
    }
    return FailureText.of(cause);
  }
}
