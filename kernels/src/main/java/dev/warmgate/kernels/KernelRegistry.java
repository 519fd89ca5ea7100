package dev.warmgate.kernels;

/** Which tiers there are here. Asked once for each tier. */
final class KernelRegistry {
  private static final Kernels SCALAR = new ScalarKernels();

  private KernelRegistry() {}

  static Availability availability(Tier tier) {
    return tier == Tier.SCALAR
        ? new Availability.Available()
        : NativeLibrary.get().availability(tier);
  }

  static Kernels of(Tier tier) {
    if (availability(tier) instanceof Availability.Unavailable(String reason)) {
      throw new IllegalStateException("tier " + tier.id() + " is not available: " + reason);
    }
    return tier == Tier.SCALAR ? SCALAR : NativeLibrary.get().kernels(tier);
  }
}
