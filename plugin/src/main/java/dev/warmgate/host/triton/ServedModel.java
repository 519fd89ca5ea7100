package dev.warmgate.host.triton;

import com.google.gson.JsonObject;
import java.nio.file.Path;

/** A model that is open. Its instances share it. */
sealed interface ServedModel extends AutoCloseable permits InferenceModel, GenerationModel {

  /** The file whose experts the caches hold. */
  Path file();

  /**
   * The configuration with what it leaves out.
   *
   * @throws TritonException if it says what isn't so
   */
  JsonObject complete(JsonObject config);

  /** Does once what is slow the first time. */
  void warmUp();

  /**
   * Takes over requests: each is answered and released, now or later.
   *
   * @param instance on whose behalf; one call at a time for each
   */
  void execute(long instance, long[] requests);

  /** Waits for what is still being answered, and gives everything back. */
  @Override
  void close();
}
