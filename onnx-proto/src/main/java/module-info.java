/** The messages of the ONNX file format, as protoc generates them. */
module dev.warmgate.onnx.proto {
  requires transitive com.google.protobuf;

  exports dev.warmgate.onnx.proto;
}
