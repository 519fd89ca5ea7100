package dev.warmgate.onnx;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.InvalidProtocolBufferException;
import dev.warmgate.onnx.proto.ModelProto;
import dev.warmgate.onnx.proto.NodeProto;
import dev.warmgate.onnx.proto.StringStringEntryProto;
import dev.warmgate.onnx.proto.TensorProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A copy of an {@code .onnx} file in which some tensors' values are elsewhere.
 *
 * <p>Everything else is kept byte by byte, known or not: the copy is a list of pieces of the
 * original and of new bytes between them, so that it takes memory in proportion to the graph and
 * not to the weights inside the file.
 */
public final class ModelCopy {
  private final ProtoInput in;
  private final ExternalFiles files;
  private final Moves moves;
  private final Optional<Adaptation> adaptation;
  private int nodes;

  private ModelCopy(
      ProtoInput in, ExternalFiles files, Moves moves, Optional<Adaptation> adaptation) {
    this.in = in;
    this.files = files;
    this.moves = moves;
    this.adaptation = adaptation;
  }

  /** Says of each tensor where its values are to be. */
  @FunctionalInterface
  public interface Moves {
    /**
     * Decides on one tensor, in the file's order; those of control-flow bodies, functions and
     * constant nodes are among them.
     *
     * @param initializer whether it is an initializer of the main graph
     * @return empty to leave it as it is
     */
    Optional<NewPlace> place(Initializer tensor, boolean initializer) throws IOException;
  }

  /**
   * A place outside the {@code .onnx} file.
   *
   * @param file relative to the model's folder
   * @param offset of the first byte
   */
  public record NewPlace(String file, long offset) {
    /** Of a tensor that the copy doesn't have. */
    public static final NewPlace NONE = new NewPlace("", -1);
  }

  /** Bytes of the copy, in their order. */
  public sealed interface Piece {
    /** Bytes of the original file. */
    record Kept(long offset, long length) implements Piece {}

    /**
     * New bytes.
     *
     * @param bytes read-only; to be read through a duplicate
     */
    record Made(ByteBuffer bytes) implements Piece {}
  }

  /**
   * Makes a copy; nothing is written.
   *
   * @param model the file
   * @param properties added to the model's metadata
   * @throws ModelException if it can't be read, as by {@link OnnxModel#read}, or a tensor of
   *     unknown type is to move
   */
  public static List<Piece> of(Path model, Moves moves, Map<String, String> properties)
      throws IOException {
    return of(model, moves, Optional.empty(), properties);
  }

  /**
   * The same, its graph adapted.
   *
   * @param adaptation made for this model
   */
  public static List<Piece> of(
      Path model, Moves moves, Optional<Adaptation> adaptation, Map<String, String> properties)
      throws IOException {
    Path path = model.toAbsolutePath().normalize();
    try (InputStream stream = Files.newInputStream(path)) {
      var in = new ProtoInput(path, stream, Math.toIntExact(Files.size(path)));
      Content content = new Content();
      new ModelCopy(in, new ExternalFiles(path), moves, adaptation).message(Part.MODEL, content);
      var added =
          adaptation
              .map(Adaptation::modelAdditions)
              .orElse(ModelProto.getDefaultInstance())
              .toBuilder();
      properties.forEach(
          (key, value) ->
              added.addMetadataProps(
                  StringStringEntryProto.newBuilder().setKey(key).setValue(value)));
      content.add(added.build().toByteArray());
      return List.copyOf(content.pieces);
    } catch (InvalidProtocolBufferException e) {
      throw new ModelException(path + ": damaged: " + e.getMessage(), e);
    }
  }

  /** Messages that have tensors in them. */
  private enum Part {
    MODEL,
    MAIN_GRAPH,
    GRAPH,
    FUNCTION,
    NODE,
    ATTRIBUTE,
    SPARSE_TENSOR,
    INITIALIZER,
    TENSOR;

    /** What a field of this message is, or null if no tensor is in it. */
    Part field(int number) {
      return switch (this) {
        case MODEL -> number == 7 ? MAIN_GRAPH : number == 25 ? FUNCTION : null;
        case MAIN_GRAPH, GRAPH ->
            switch (number) {
              case 1 -> NODE;
              case 5 -> this == GRAPH ? TENSOR : INITIALIZER;
              case 15 -> SPARSE_TENSOR;
              default -> null;
            };
        case FUNCTION -> number == 7 ? NODE : number == 11 ? ATTRIBUTE : null;
        case NODE -> number == 5 ? ATTRIBUTE : null;
        case ATTRIBUTE ->
            switch (number) {
              case 5, 10 -> TENSOR;
              case 6, 11 -> GRAPH;
              case 22, 23 -> SPARSE_TENSOR;
              default -> null;
            };
        case SPARSE_TENSOR -> number == 1 || number == 2 ? TENSOR : null;
        case INITIALIZER, TENSOR -> null;
      };
    }
  }

  private void message(Part part, Content out) throws IOException {
    long start = in.position();
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      Part field = (tag & 7) == Wire.BYTES ? part.field(tag >>> 3) : null;
      switch (field) {
        case null -> {
          in.skip(tag);
          out.keep(start, in.position());
        }
        case INITIALIZER, TENSOR -> tensor(tag, start, field == Part.INITIALIZER, out);
        case NODE -> node(tag, part == Part.MAIN_GRAPH, out);
        default -> nested(tag, field, out);
      }
      start = in.position();
    }
    if (part == Part.MAIN_GRAPH) {
      adaptation.ifPresent(added -> out.add(added.graphAdditions().toByteArray()));
    }
  }

  private void nested(int tag, Part field, Content out) throws IOException {
    Content inner = new Content();
    in.message(() -> message(field, inner));
    out.add(tag, inner);
  }

  private void node(int tag, boolean main, Content out) throws IOException {
    UnaryOperator<NodeProto> edit =
        main ? adaptation.map(changes -> changes.nodes().get(nodes)).orElse(null) : null;
    if (main) {
      nodes++;
    }
    if (edit == null) {
      nested(tag, Part.NODE, out);
      return;
    }
    Content edited = new Content();
    edited.add(edit.apply(NodeProto.parseFrom(in.bytes())).toByteArray());
    out.add(tag, edited);
  }

  private void tensor(int tag, long start, boolean initializer, Content out) throws IOException {
    Initializer[] read = new Initializer[1];
    in.message(() -> read[0] = TensorReader.read(in, files));
    Initializer tensor = read[0];
    Optional<NewPlace> place = moves.place(tensor, initializer);
    if (place.isEmpty()) {
      out.keep(start, in.position());
      return;
    }
    if (place.get().equals(NewPlace.NONE)) {
      return;
    }
    if (tensor.type() == ElementType.UNKNOWN) {
      throw in.fail(
          "tensor " + Shapes.printable(tensor.name()) + " is of a type that can't be moved");
    }
    Content moved = new Content();
    moved.add(
        external(tensor.name(), tensor.type(), tensor.dims(), tensor.bytes(), place.get())
            .toByteArray());
    out.add(tag, moved);
  }

  /** A tensor whose values are outside the {@code .onnx} file. */
  static TensorProto external(
      String name, ElementType type, List<Long> dims, long bytes, NewPlace place) {
    return TensorProto.newBuilder()
        .setName(name)
        .addAllDims(dims)
        .setDataType(type.code())
        .setDataLocation(TensorProto.DataLocation.EXTERNAL)
        .addExternalData(entry("location", place.file()))
        .addExternalData(entry("offset", Long.toString(place.offset())))
        .addExternalData(entry("length", Long.toString(bytes)))
        .build();
  }

  private static StringStringEntryProto entry(String key, String value) {
    return StringStringEntryProto.newBuilder().setKey(key).setValue(value).build();
  }

  /** What a message of the copy consists of. */
  private static final class Content {
    private final List<Piece> pieces = new ArrayList<>();
    private long bytes;

    void keep(long start, long end) {
      if (!pieces.isEmpty()
          && pieces.getLast() instanceof Piece.Kept(long offset, long length)
          && offset + length == start) {
        pieces.set(pieces.size() - 1, new Piece.Kept(offset, end - offset));
      } else {
        pieces.add(new Piece.Kept(start, end - start));
      }
      bytes += end - start;
    }

    void add(byte[] made) {
      pieces.add(new Piece.Made(ByteBuffer.wrap(made).asReadOnlyBuffer()));
      bytes += made.length;
    }

    void add(int tag, Content message) throws IOException {
      var head = new ByteArrayOutputStream();
      var out = CodedOutputStream.newInstance(head);
      out.writeUInt32NoTag(tag);
      out.writeUInt64NoTag(message.bytes);
      out.flush();
      add(head.toByteArray());
      pieces.addAll(message.pieces);
      bytes += message.bytes;
    }
  }
}
