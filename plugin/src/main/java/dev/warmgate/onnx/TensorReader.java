package dev.warmgate.onnx;

import dev.warmgate.onnx.TensorLocation.Embedded;
import dev.warmgate.onnx.TensorLocation.Encoded;
import dev.warmgate.onnx.TensorLocation.External;
import dev.warmgate.onnx.TensorLocation.Stored;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Reads one {@code TensorProto}: keeps what describes it, skips its values, checks their place. */
final class TensorReader {
  private static final int EXTERNAL = 1;

  private final ProtoInput in;
  private final ExternalFiles files;

  private String name = "";
  private int typeCode;
  private final List<Long> dims = new ArrayList<>();
  private final Map<String, String> external = new HashMap<>();
  private int dataLocation;
  private ProtoInput.Span raw;
  private ProtoInput.Span packedFloats;
  private String encodedField;

  private TensorReader(ProtoInput in, ExternalFiles files) {
    this.in = in;
    this.files = files;
  }

  /** Reads the message's fields up to its end. */
  static Initializer read(ProtoInput in, ExternalFiles files) throws IOException {
    var reader = new TensorReader(in, files);
    in.keep(3 * ProtoInput.ITEM_BYTES);
    reader.fields();
    return reader.check();
  }

  private void fields() throws IOException {
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.VARINT | 1 << 3 -> addDim();
        case Wire.BYTES | 1 << 3 -> in.message(this::packedDims);
        case Wire.VARINT | 2 << 3 -> typeCode = in.int32();
        case Wire.BYTES | 3 << 3 -> encoded(tag, "segment");
        case Wire.BYTES | 4 << 3 -> floats();
        case Wire.FIXED32 | 4 << 3 -> encoded(tag, "float_data");
        case Wire.VARINT | 5 << 3, Wire.BYTES | 5 << 3 -> encoded(tag, "int32_data");
        case Wire.BYTES | 6 << 3 -> encoded(tag, "string_data");
        case Wire.VARINT | 7 << 3, Wire.BYTES | 7 << 3 -> encoded(tag, "int64_data");
        case Wire.BYTES | 8 << 3 -> name = in.text();
        case Wire.BYTES | 9 << 3 -> raw = in.span();
        case Wire.FIXED64 | 10 << 3, Wire.BYTES | 10 << 3 -> encoded(tag, "double_data");
        case Wire.VARINT | 11 << 3, Wire.BYTES | 11 << 3 -> encoded(tag, "uint64_data");
        case Wire.BYTES | 13 << 3 -> in.message(this::externalEntry);
        case Wire.VARINT | 14 << 3 -> dataLocation = in.int32();
        default -> in.skip(tag);
      }
    }
  }

  private void addDim() throws IOException {
    in.keep(ProtoInput.ITEM_BYTES);
    dims.add(in.int64());
  }

  private void packedDims() throws IOException {
    while (!in.atEnd()) {
      addDim();
    }
  }

  /** Packed floats lie in the file as raw data would; in several pieces they don't. */
  private void floats() throws IOException {
    if (packedFloats != null) {
      encodedField = "float_data in pieces";
    }
    packedFloats = in.span();
  }

  private void encoded(int tag, String field) throws IOException {
    encodedField = field;
    in.skip(tag);
  }

  private void externalEntry() throws IOException {
    String key = "";
    String value = "";
    for (int tag = in.tag(); tag != 0; tag = in.tag()) {
      switch (tag) {
        case Wire.BYTES | 1 << 3 -> key = in.text();
        case Wire.BYTES | 2 << 3 -> value = in.text();
        default -> in.skip(tag);
      }
    }
    external.put(key, value);
  }

  private Initializer check() throws IOException {
    ElementType type = ElementType.of(typeCode);
    long bytes = 0;
    boolean empty = dims.contains(0L);
    try {
      long elements = empty ? 0 : 1;
      for (long dim : dims) {
        if (dim < 0) {
          throw fail("has the negative dimension " + dim);
        }
        elements = empty ? 0 : Math.multiplyExact(elements, dim);
      }
      bytes = type.bytes(elements);
    } catch (ArithmeticException e) {
      throw fail("has dimensions " + Shapes.text(dims) + ", more than can be counted");
    }
    TensorLocation location =
        dataLocation == EXTERNAL ? external(type, bytes) : embedded(type, bytes, empty);
    return new Initializer(name, type, dims, location);
  }

  private TensorLocation external(ElementType type, long bytes) throws IOException {
    long offset = number("offset", 0);
    long length = number("length", bytes);
    if (!type.sized() && !(type == ElementType.UNKNOWN && external.containsKey("length"))) {
      throw fail("is external, but of type " + type.text());
    }
    sameLength(type, bytes, length);
    ExternalFiles.Found file;
    try {
      file = files.find(external.getOrDefault("location", ""));
    } catch (ExternalFiles.BadLocation e) {
      throw fail(e.getMessage());
    }
    if (StoreOffset.isOne(offset)) {
      return new Stored(file.path(), offset, length);
    }
    if (offset > file.bytes() - length) {
      throw fail(
          String.format(
              "needs bytes %d to %d of %s, which has %d",
              offset, offset + length, file.path().getFileName(), file.bytes()));
    }
    return new External(file.path(), offset, length);
  }

  private TensorLocation embedded(ElementType type, long bytes, boolean empty) throws IOException {
    if (encodedField != null) {
      return new Encoded(encodedField);
    }
    ProtoInput.Span span = raw;
    if (span == null && packedFloats != null) {
      if (type != ElementType.FLOAT) {
        return new Encoded("float_data");
      }
      span = packedFloats;
    }
    if (span == null && !empty) {
      throw fail("has no data");
    }
    if (span == null) {
      return new Embedded(in.file(), 0, 0);
    }
    sameLength(type, bytes, span.length());
    return new Embedded(in.file(), span.offset(), span.length());
  }

  private void sameLength(ElementType type, long bytes, long length) throws ModelException {
    if (type.sized() && length != bytes) {
      throw fail(
          String.format(
              "has %d bytes of data, but %s of %s needs %d",
              length, Shapes.text(dims), type.text(), bytes));
    }
  }

  private long number(String key, long absent) throws ModelException {
    String text = external.get(key);
    if (text == null) {
      return absent;
    }
    try {
      long value = Long.parseLong(text);
      if (value >= 0) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Told below, as a negative number is.
    }
    throw fail("has the external " + key + " '" + Shapes.printable(text) + "'");
  }

  private ModelException fail(String reason) {
    return in.fail("tensor " + Shapes.printable(name) + " " + reason);
  }
}
