package dev.warmgate.host.ffi;

/**
 * The copy of ONNX Runtime that the provider is registered with. A process may have loaded several;
 * sessions must be made with this one.
 */
public final class OrtLibrary {
  private static volatile long apiBase;

  private OrtLibrary() {}

  /** Notes the {@code OrtApiBase} that ONNX Runtime handed to the provider. */
  public static void register(long newApiBase) {
    apiBase = newApiBase;
  }

  /**
   * The {@code OrtApiBase}, which lives as long as the process.
   *
   * @throws IllegalStateException if the provider isn't registered yet
   */
  public static long apiBase() {
    long base = apiBase;
    if (base == 0) {
      throw new IllegalStateException("Warmgate is not registered with ONNX Runtime");
    }
    return base;
  }
}
