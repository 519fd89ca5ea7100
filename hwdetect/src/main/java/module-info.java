/** What this machine is, and the plan that follows from it. */
module dev.warmgate.hwdetect {
  requires transitive dev.warmgate.kernels;
  requires com.github.oshi.common;
  // Holds the open option for direct I/O, which has no supported name yet.
  requires jdk.unsupported;

  exports dev.warmgate.hwdetect;
}
