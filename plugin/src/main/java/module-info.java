/** The plugin: routing, residency, experts, the hosts' entry points, generation, command line. */
module dev.warmgate.plugin {
  requires transitive dev.warmgate.kernels;
  requires transitive dev.warmgate.hwdetect;
  requires dev.warmgate.onnx.proto;
  requires com.google.protobuf;
  requires com.google.gson;
  requires info.picocli;
  requires me.tongfei.progressbar;
  requires org.bytedeco.javacpp;
  requires java.management;
  requires jdk.management;
  requires transitive com.microsoft.onnxruntime;

  exports dev.warmgate.config;
  exports dev.warmgate.generate;
  exports dev.warmgate.host.ort;
  exports dev.warmgate.metrics;
  exports dev.warmgate.onnx;

  opens dev.warmgate.metrics to
      com.google.gson;
  opens dev.warmgate.residency to
      com.google.gson;
  opens dev.warmgate.cli to
      info.picocli;

  uses dev.warmgate.cli.CommandProvider;
  uses dev.warmgate.cli.Plotter;
  uses dev.warmgate.generate.TokenizerProvider;
}
