/** SIMD kernels. */
module dev.warmgate.kernels {
  requires org.bytedeco.javacpp;

  exports dev.warmgate.kernels;
}
