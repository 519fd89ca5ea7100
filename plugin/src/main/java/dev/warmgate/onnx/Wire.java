package dev.warmgate.onnx;

/** How protobuf encodes a field: the low three bits of its tag; the field's number is above. */
final class Wire {
  static final int VARINT = 0;
  static final int FIXED64 = 1;
  static final int BYTES = 2;
  static final int FIXED32 = 5;

  private Wire() {}
}
