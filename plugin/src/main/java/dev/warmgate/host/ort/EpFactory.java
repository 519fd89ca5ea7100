package dev.warmgate.host.ort;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.host.ffi.Native;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * {@code OrtEpFactory}: makes an execution provider for each session.
 *
 * <p>Its methods are upcalls; their first parameter, the struct, is not needed, since each stub is
 * bound to its object.
 */
final class EpFactory implements AutoCloseable {
  /** The provider's name; options of a session begin with {@code ep.warmgate.} */
  static final String NAME = "Warmgate";

  private static final String VENDOR = "Warmgate";
  private static final String VERSION = "0.1.0";

  /** What the keys of our options begin with in a session's configuration. */
  static final String OPTION_PREFIX = "ep." + NAME.toLowerCase(Locale.ROOT) + ".";

  private static final long STRUCT_BYTES = 168;

  private final OrtApi api;
  private final Arena arena = Arena.ofShared();
  private final CallbackStruct struct = new CallbackStruct(this, STRUCT_BYTES, arena);
  private final long name = arena.allocateFrom(NAME).address();
  private final long vendor = arena.allocateFrom(VENDOR).address();
  private final long version = arena.allocateFrom(VERSION).address();
  private final Map<Long, Ep> eps = new ConcurrentHashMap<>();

  EpFactory(OrtApi api) {
    this.api = api;
    struct.callback(8, "getName", 1, true);
    struct.callback(16, "getVendor", 1, true);
    struct.callback(24, "getSupportedDevices", 6, true);
    struct.callback(32, "createEp", 7, true);
    struct.callback(40, "releaseEp", 2, false);
    struct.callback(48, "getVendorId", 1, true);
    struct.callback(56, "getVersion", 1, true);
    struct.callback(72, "createAllocator", 4, true);
    struct.callback(80, "releaseAllocator", 2, false);
    struct.callback(88, "createDataTransfer", 2, true);
    struct.callback(96, "isStreamAware", 1, true);
  }

  /** The struct that ONNX Runtime sees, until {@link #close}. */
  long address() {
    return struct.address();
  }

  long getName(long self) {
    return name;
  }

  long getVendor(long self) {
    return vendor;
  }

  long getVendorId(long self) {
    return 0;
  }

  long getVersion(long self) {
    return version;
  }

  long getSupportedDevices(
      long self, long devices, long count, long epDevices, long maxEpDevices, long countOut) {
    return Upcall.status(
        api,
        "GetSupportedDevices",
        () -> {
          long made = 0;
          for (long i = 0; i < count && made < maxEpDevices; i++) {
            long device = Native.pointer(devices + 8 * i);
            if (api.isCpu(device)) {
              Native.putPointer(epDevices + 8 * made++, api.createEpDevice(address(), device));
            }
          }
          Native.putPointer(countOut, made);
        });
  }

  long createEp(
      long self,
      long devices,
      long metadata,
      long count,
      long sessionOptions,
      long logger,
      long epOut) {
    return Upcall.status(
        api,
        "CreateEp",
        () -> {
          Native.putPointer(epOut, 0);
          Ep ep = new Ep(api, name, logger, WarmgateOptions.parse(options(sessionOptions)));
          eps.put(ep.address(), ep);
          Native.putPointer(epOut, ep.address());
        });
  }

  void releaseEp(long self, long ep) {
    Upcall.quiet(
        "ReleaseEp",
        () -> {
          Ep released = eps.remove(ep);
          if (released != null) {
            released.close();
          }
        });
  }

  long createAllocator(long self, long memoryInfo, long options, long allocatorOut) {
    return Upcall.status(api, "CreateAllocator", () -> Native.putPointer(allocatorOut, 0));
  }

  void releaseAllocator(long self, long allocator) {
    // None was made.
  }

  long createDataTransfer(long self, long dataTransferOut) {
    return Upcall.status(api, "CreateDataTransfer", () -> Native.putPointer(dataTransferOut, 0));
  }

  long isStreamAware(long self) {
    return 0;
  }

  private Map<String, String> options(long sessionOptions) {
    Map<String, String> options = new HashMap<>();
    api.configEntries(sessionOptions)
        .forEach(
            (key, value) -> {
              if (key.startsWith(OPTION_PREFIX)) {
                options.put(key.substring(OPTION_PREFIX.length()), value);
              }
            });
    return options;
  }

  /**
   * Frees the struct, unless sessions are still open: a host may let go of the library before it
   * lets go of them (Python does, where anything still refers to a session). What they use then
   * stays for the rest of the process.
   */
  @Override
  public void close() {
    if (eps.isEmpty()) {
      arena.close();
    }
  }
}
