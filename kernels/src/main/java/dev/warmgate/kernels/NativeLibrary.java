package dev.warmgate.kernels;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.util.EnumMap;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import org.bytedeco.javacpp.Loader;

/**
 * The shared library with the native tiers, loaded once. JavaCPP names the platform and unpacks the
 * file; the foreign-function interface opens it. A failure is kept as the reason of all its tiers.
 */
final class NativeLibrary {
  private final Map<Tier, NativeKernels> kernels = new EnumMap<>(Tier.class);
  private final Map<Tier, String> reasons = new EnumMap<>(Tier.class);
  private final SymbolLookup library;

  private static final class Holder {
    static final NativeLibrary INSTANCE = new NativeLibrary();
  }

  static NativeLibrary get() {
    return Holder.INSTANCE;
  }

  private NativeLibrary() {
    String platform = Loader.getPlatform();
    SymbolLookup found = name -> Optional.empty();
    String failure = null;
    try {
      // The global arena: kernels are never unloaded, so function addresses stay valid.
      found = SymbolLookup.libraryLookup(unpack(platform).toPath(), Arena.global());
    } catch (IOException | RuntimeException | LinkageError e) {
      failure = e.getMessage() == null ? e.toString() : e.getMessage();
    }
    library = found;
    for (Tier tier : Tier.values()) {
      if (tier != Tier.SCALAR) {
        String reason = failure != null ? failure : add(tier);
        if (reason != null) {
          reasons.put(tier, reason);
        }
      }
    }
  }

  /** Adds the tier, or says why it can't be used. */
  private String add(Tier tier) {
    try {
      String lacks = KernelBindings.caps(library, tier);
      if (!lacks.isEmpty()) {
        return lacks;
      }
      kernels.put(tier, new NativeKernels(tier, KernelBindings.find(library, tier)));
      return null;
    } catch (RuntimeException | LinkageError e) {
      return "the kernel library is damaged: " + e.getMessage();
    }
  }

  private static File unpack(String platform) throws IOException {
    String index = platform + "/warmgate_kernels.properties";
    Properties properties = new Properties();
    try (InputStream in = NativeLibrary.class.getResourceAsStream(index)) {
      if (in == null) {
        throw new IOException("no kernel library for platform " + platform + " in this build");
      }
      properties.load(in);
    }
    String file = properties.getProperty("library");
    File library = Loader.cacheResource(NativeLibrary.class, platform + "/" + file);
    if (library == null) {
      throw new IOException("kernel library " + file + " can't be unpacked");
    }
    return library;
  }

  Availability availability(Tier tier) {
    String reason = reasons.get(tier);
    return reason == null ? new Availability.Available() : new Availability.Unavailable(reason);
  }

  /** The address of something that the library exports. */
  MemorySegment symbol(String name) {
    return library.findOrThrow(name);
  }

  NativeKernels kernels(Tier tier) {
    return kernels.get(tier);
  }
}
