package dev.warmgate.repack;

import dev.warmgate.onnx.AdaptedNode;
import dev.warmgate.onnx.ModelException;
import dev.warmgate.onnx.OnnxModel;
import dev.warmgate.residency.store.StoreHeader;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.zip.CRC32C;

/** One model to be repacked: opened, then written. */
public final class Repack {
  /** What a store's name ends with; the slim model's name is before it. */
  static final String STORE_SUFFIX = AdaptedNode.STORE_SUFFIX;

  private static final String DATA_SUFFIX = ".data";

  private final OnnxModel model;
  private final Path out;
  private final SourceFiles sources;
  private final Layers layers;
  private final Form form;
  private final StoreWriter writer;
  private final Sink.Opener opener;

  private Repack(
      OnnxModel model, Path out, SourceFiles sources, Layers layers, Form form, Sink.Opener opener)
      throws IOException {
    this.model = model;
    this.out = out;
    this.sources = sources;
    this.layers = layers;
    this.form = form;
    this.opener = opener;
    this.writer = new StoreWriter(layers.chosen(), sources.graphChecksum(), sources.known());
  }

  /**
   * Reads a model and plans its store and the slim model; nothing is written.
   *
   * @param model the {@code .onnx} file
   * @param wholeFolder whether the other files in the model's folder belong to it, and are copied
   * @param out the folder that will hold the result
   * @throws IOException in one line, if the model can't be read, no layer of it can be in a store,
   *     the folder is the model's own, or a file to copy has the name of one to write
   */
  public static Repack open(Path model, boolean wholeFolder, Path out) throws IOException {
    return open(model, wholeFolder, out, Form.SLIM, Sink.Opener.FILES);
  }

  /** The same for an adapted model. */
  public static Repack adapt(Path model, boolean wholeFolder, Path out) throws IOException {
    return open(model, wholeFolder, out, Form.ADAPTED, Sink.Opener.FILES);
  }

  static Repack open(Path model, boolean wholeFolder, Path out, Form form, Sink.Opener opener)
      throws IOException {
    OnnxModel read = OnnxModel.read(model);
    Layers layers = Layers.of(read);
    if (layers.chosen().isEmpty()) {
      String reason =
          layers.left().isEmpty()
              ? ""
              : "; " + layers.left().getFirst().node() + ": " + layers.left().getFirst().reason();
      throw new ModelException(model + ": no MoE layers that can be put into a store" + reason);
    }
    Path target = out.toAbsolutePath().normalize();
    SourceFiles sources = SourceFiles.of(read, wholeFolder, target);
    for (String suffix : new String[] {STORE_SUFFIX, DATA_SUFFIX}) {
      Path taken = read.path().resolveSibling(read.path().getFileName() + suffix);
      if (sources.others().contains(taken)) {
        throw new ModelException(
            taken + ": is none of the model's files, and has the name of one that is to be made");
      }
    }
    return new Repack(read, target, sources, layers, form, opener);
  }

  /** How many experts there are to write. */
  public long experts() {
    return layers.experts();
  }

  /** Writes store, model and what belongs to it, and no files beside these. */
  public Repacked write(boolean replace, Runnable step) throws IOException {
    return write(replace, step, Map.of());
  }

  /**
   * Writes store, model and what belongs to it.
   *
   * @param replace whether to replace an earlier result of {@code repack}
   * @param step told after each expert
   * @param more files of the new folder by their names, in place of those that the model's has
   * @throws IOException in one line, if the folder exists and is not to be replaced or holds
   *     something else, there is no room, the source changes meanwhile, or reading or writing
   *     fails; the folder is as it was then
   */
  public Repacked write(boolean replace, Runnable step, Map<String, byte[]> more)
      throws IOException {
    requireFree(replace);
    String name = model.path().getFileName().toString();
    String storeName = name + STORE_SUFFIX;
    long bytesOut = writer.fileBytes();
    try (Staging staging = Staging.open(out);
        Copier copier = new Copier()) {
      requireRoom(staging.folder());
      StoreHeader header;
      try (Sink sink = opener.create(staging.folder().resolve(storeName))) {
        header = writer.write(copier, sink, step);
      }
      String id = Long.toHexString(header.id());
      SlimModel slim = new SlimModel(model, layers.chosen(), form, storeName, header.id(), copier);
      bytesOut +=
          slim.write(
              staging.folder(),
              name + DATA_SUFFIX,
              Map.of("warmgate.store", storeName + " " + id),
              opener);
      copyOthers(staging.folder(), more.keySet(), copier);
      for (Map.Entry<String, byte[]> file : more.entrySet()) {
        try (Sink sink = opener.create(staging.folder().resolve(file.getKey()))) {
          sink.write(ByteBuffer.wrap(file.getValue()), 0);
          sink.force();
        }
      }
      sources.requireUnchanged();
      staging.commit();
    }
    return new Repacked(
        out.resolve(name),
        out.resolve(storeName),
        sources.bytes(),
        bytesOut,
        layers.chosen().size(),
        layers.experts(),
        layers.left());
  }

  /** The folder must be absent or empty, or an earlier result that may be replaced. */
  private void requireFree(boolean replace) throws IOException {
    if (!Files.exists(out)) {
      return;
    }
    if (!Files.isDirectory(out)) {
      throw new IOException(out + ": not a folder");
    }
    try (var names = Files.list(out)) {
      if (names.findAny().isEmpty()) {
        return;
      }
    }
    StoreHeader earlier = earlier();
    if (!replace) {
      boolean same =
          earlier.graphChecksum() == sources.graphChecksum()
              && earlier.sources().equals(sources.known());
      throw new IOException(
          out
              + (same
                  ? ": holds this model's experts already; --force does it again"
                  : ": holds another model, or this one before it changed; --force replaces it"));
    }
  }

  /** The store of an earlier result; nothing else is ever replaced. */
  private StoreHeader earlier() throws IOException {
    TreeSet<Path> stores = new TreeSet<>();
    try (var names = Files.newDirectoryStream(out, "*" + STORE_SUFFIX)) {
      names.forEach(stores::add);
    }
    if (stores.isEmpty()) {
      throw new IOException(out + ": exists, and has no expert store in it; it is left alone");
    }
    try (Copier copier = new Copier()) {
      return copier.header(stores.first());
    }
  }

  private void requireRoom(Path folder) throws IOException {
    long needed = writer.fileBytes() + Math.max(0, sources.bytes() - layers.bytes());
    long free = Files.getFileStore(folder).getUsableSpace();
    if (free < needed) {
      throw new IOException(
          "%s: %d bytes are free there, %d are needed".formatted(out, free, needed));
    }
  }

  private void copyOthers(Path folder, Set<String> replaced, Copier copier) throws IOException {
    for (Path file : sources.others()) {
      String name = model.path().getParent().relativize(file).toString();
      if (replaced.contains(name)) {
        continue;
      }
      Path target = folder.resolve(name);
      Files.createDirectories(target.getParent());
      try (Sink sink = opener.create(target)) {
        copier.copy(file, 0, Files.size(file), sink, 0, new CRC32C());
        sink.force();
      }
    }
  }
}
