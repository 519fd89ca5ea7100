package dev.warmgate.onnx;

import com.google.protobuf.ByteString;
import dev.warmgate.onnx.ExpertTensor.Role;
import dev.warmgate.onnx.proto.AttributeProto;
import dev.warmgate.onnx.proto.NodeProto;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * A node of an adapted model: {@code ai.warmgate::MoE} or {@code ai.warmgate::QMoE}. It computes
 * what the node of {@code com.microsoft} that it was made of computes, and has its attributes, but
 * the experts are none of its inputs. They are in an expert store, and an attribute for each of
 * their parts says which tensor of the store it is, of which type and shape:
 *
 * <pre>
 * store        name of the store's file, which is beside the model's
 * store_id     its id
 * fc1_weights  [tensor, element type, dimensions...]    and so on, as in {@link Role}
 * </pre>
 *
 * <p>Its inputs are the hidden states, the gate logits, the first bytes of the store, and combine
 * weights if the original has them.
 */
public final class AdaptedNode extends FileNodeView {
  /** The operators' domain. */
  public static final String DOMAIN = "ai.warmgate";

  /** The version of the operators that this code makes and runs. */
  public static final int VERSION = 1;

  /** The input that is the first bytes of the store, as external data of it. */
  public static final int STORE = 2;

  /** How many these are. */
  public static final int STORE_BYTES = 4096;

  /** The input of combine weights. */
  public static final int SHARES = 3;

  /** The attribute with the id of the store that the node was made for. */
  public static final String STORE_ID = "store_id";

  /** The attribute with the name of the store's file, which is beside the model's. */
  public static final String STORE_FILE = "store";

  /** What the store's name has after the model's. */
  public static final String STORE_SUFFIX = ".experts";

  private static final int HEAD = 2;

  private final ElementType values;

  /**
   * Looks at a node.
   *
   * @param node one that {@link #is}
   * @param values what hidden states are; {@link ElementType#UNKNOWN} if nothing tells
   */
  public AdaptedNode(OnnxNode node, ElementType values) {
    super(node);
    this.values = values;
  }

  /** Whether a node is of an adapted model. */
  public static boolean is(OnnxNode node) {
    return node.is(DOMAIN, "MoE") || node.is(DOMAIN, "QMoE");
  }

  /** The attribute that describes a part of the experts. */
  public static String attribute(Role role) {
    return role.name().toLowerCase(Locale.ROOT);
  }

  /**
   * The node that stands for another.
   *
   * @param layer what the other is
   * @param firstTensor number of the layer's first tensor in the store
   * @param storeFile name of the store's file
   * @param storeValue name of the value that {@link #STORE} is
   */
  static NodeProto of(
      NodeProto original,
      MoeLayer layer,
      int firstTensor,
      String storeFile,
      long storeId,
      String storeValue) {
    NodeProto.Builder made =
        original.toBuilder()
            .setDomain(DOMAIN)
            .clearInput()
            .addInput(original.getInput(ExpertLayout.HIDDEN_STATES))
            .addInput(original.getInput(ExpertLayout.ROUTER_PROBS))
            .addInput(storeValue);
    if (original.getInputCount() > ExpertLayout.ROUTER_WEIGHTS
        && !original.getInput(ExpertLayout.ROUTER_WEIGHTS).isEmpty()) {
      made.addInput(original.getInput(ExpertLayout.ROUTER_WEIGHTS));
    }
    made.addAttribute(
        AttributeProto.newBuilder()
            .setName(STORE_FILE)
            .setType(AttributeProto.AttributeType.STRING)
            .setS(ByteString.copyFromUtf8(storeFile)));
    made.addAttribute(
        AttributeProto.newBuilder()
            .setName(STORE_ID)
            .setType(AttributeProto.AttributeType.INT)
            .setI(storeId));
    int tensor = firstTensor;
    for (ExpertTensor part : layer.tensors()) {
      made.addAttribute(
          AttributeProto.newBuilder()
              .setName(attribute(part.role()))
              .setType(AttributeProto.AttributeType.INTS)
              .addInts(tensor++)
              .addInts(part.tensor().type().code())
              .addAllInts(part.tensor().dims()));
    }
    return made.build();
  }

  /** The model's file beside a store. */
  public static Path model(Path store) {
    String name = store.getFileName().toString();
    return store.resolveSibling(
        name.endsWith(STORE_SUFFIX)
            ? name.substring(0, name.length() - STORE_SUFFIX.length())
            : name);
  }

  /** A node's attribute that lists integers; empty if there is none. */
  public static List<Long> integers(OnnxNode node, String name) {
    return node.attributes().get(name) instanceof OnnxAttribute.Ints(List<Long> values)
        ? values
        : List.of();
  }

  /**
   * One part of the experts, as a tensor in a store.
   *
   * @param store the file
   * @return empty if the node has no such part, or says of it what can't be
   */
  public Optional<Initializer> part(Role role, Path store) {
    List<Long> ints = integers(node, attribute(role));
    if (ints.size() <= HEAD || ints.getFirst() != ints.getFirst().intValue()) {
      return Optional.empty();
    }
    ElementType type = ElementType.of(ints.get(1).intValue());
    List<Long> dims = ints.subList(HEAD, ints.size());
    Optional<Long> bytes = bytes(type, dims);
    long offset = StoreOffset.of(node.intAttribute(STORE_ID, 0), ints.getFirst().intValue());
    return bytes.map(
        length ->
            new Initializer(
                Shapes.printable(node.label()) + "." + attribute(role),
                type,
                dims,
                new TensorLocation.Stored(store, offset, length)));
  }

  private static Optional<Long> bytes(ElementType type, List<Long> dims) {
    try {
      long count = 1;
      for (long dim : dims) {
        count = dim < 1 ? 0 : Math.multiplyExact(count, dim);
      }
      return count > 0 && type.sized() ? Optional.of(type.bytes(count)) : Optional.empty();
    } catch (ArithmeticException e) {
      return Optional.empty();
    }
  }

  /** Input {@code index} of the node that this one was made of. */
  @Override
  public Optional<Operand> input(int index) {
    return switch (index) {
      case ExpertLayout.HIDDEN_STATES, ExpertLayout.ROUTER_PROBS -> computed(index);
      case ExpertLayout.ROUTER_WEIGHTS -> computed(SHARES);
      default ->
          ExpertLayoutReader.inputs(quantised()).entrySet().stream()
              .filter(part -> part.getValue() == index)
              .map(Map.Entry::getKey)
              .findFirst()
              .flatMap(role -> part(role, Path.of("")))
              .map(part -> new Operand(part.name(), part.type(), part.dims(), true));
    };
  }

  private Optional<Operand> computed(int input) {
    String name = node.input(input);
    return name.isEmpty()
        ? Optional.empty()
        : Optional.of(new Operand(name, values, List.of(), false));
  }
}
