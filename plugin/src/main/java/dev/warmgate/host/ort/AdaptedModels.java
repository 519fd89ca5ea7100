package dev.warmgate.host.ort;

import dev.warmgate.config.OptionsFile;
import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.host.ffi.MappedFile;
import dev.warmgate.onnx.AdaptedNode;
import dev.warmgate.onnx.ElementType;
import java.io.IOException;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Finds the adapted model that a node belongs to, and opens it once for all its nodes.
 *
 * <p>ONNX Runtime tells a custom op neither which model its node is in, nor of which session. But
 * one input of the node is the head of the expert store, which ONNX Runtime maps; so the address of
 * its bytes tells the file, and the file's folder the model.
 */
final class AdaptedModels {
  private static final Map<Key, AdaptedModel> OPEN = new HashMap<>();

  private final OrtApi api;
  private final ElementType values;
  private final Map<String, String> given;
  private final Optional<String> folder;

  /** What nodes must have in common to share a model, of whichever sessions they are. */
  private record Key(Path store, long storeId, WarmgateOptions options, ElementType values) {}

  /**
   * Models for nodes with values of one type, in sessions with the same configuration.
   *
   * @param given the session's options, which count more than those beside the model
   * @param folder where stores are, if that is configured
   */
  AdaptedModels(
      OrtApi api, ElementType values, Map<String, String> given, Optional<String> folder) {
    this.api = api;
    this.values = values;
    this.given = given;
    this.folder = folder;
  }

  /** What computes one node. */
  static final class Kernel implements AutoCloseable {
    private final Key key;
    private final LayerKernel layer;

    private Kernel(Key key, LayerKernel layer) {
      this.key = key;
      this.layer = layer;
    }

    /** The body of an upcall: returns an {@code OrtStatus}, or 0. */
    long compute(long context) {
      return layer.compute(context);
    }

    /** Closes the model too, if no other node uses it. */
    @Override
    public void close() {
      layer.close();
      leave(key);
    }
  }

  /**
   * Makes a kernel.
   *
   * @throws IOException in one line, if model or store can't be found or read, or don't fit
   * @throws IllegalArgumentException in one line that names node or option, if one can't be used
   */
  Kernel kernel(KernelInfo info) throws IOException {
    Path store = store(info);
    Map<String, String> options = new HashMap<>(OptionsFile.read(store.getParent()));
    try {
      WarmgateOptions.parse(options);
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          store.resolveSibling(OptionsFile.NAME) + ": " + e.getMessage(), e);
    }
    options.putAll(given);
    long storeId = info.integer(AdaptedNode.STORE_ID).orElse(0L);
    var key = new Key(store, storeId, WarmgateOptions.parse(options), values);
    AdaptedModel model = join(key);
    try {
      return new Kernel(key, model.kernel(api, info));
    } catch (RuntimeException | Error e) {
      leave(key);
      throw e;
    }
  }

  private static AdaptedModel join(Key key) throws IOException {
    synchronized (OPEN) {
      AdaptedModel model = OPEN.get(key);
      if (model == null) {
        model = AdaptedModel.open(key.store(), key.storeId(), key.options(), key.values());
        OPEN.put(key, model);
      }
      model.users++;
      return model;
    }
  }

  private static void leave(Key key) {
    synchronized (OPEN) {
      AdaptedModel model = OPEN.get(key);
      if (--model.users == 0) {
        OPEN.remove(key);
        model.close();
      }
    }
  }

  private Path store(KernelInfo info) throws IOException {
    String name = info.text(AdaptedNode.STORE_FILE).orElse("");
    // As in external data: a model reads nothing outside its folder.
    if (name.isEmpty() || name.equals("..") || name.contains("/")) {
      throw new IllegalArgumentException(
          "%s: its store '%s' is not the name of a file beside the model"
              .formatted(info.name(), name));
    }
    long head =
        info.constant(AdaptedNode.STORE)
            .orElseThrow(
                () -> new IllegalArgumentException(info.name() + ": names no expert store"));
    Optional<Path> mapped = MappedFile.at(head).filter(file -> file.endsWith(name));
    return mapped
        .or(() -> folder.map(path -> Path.of(path).toAbsolutePath().resolve(name).normalize()))
        .orElseThrow(
            () ->
                new IOException(
                    "%s: this ONNX Runtime doesn't tell where %s is; the session configuration entry %s can"
                        .formatted(info.name(), name, CustomOpDomain.FOLDER_ENTRY)));
  }
}
