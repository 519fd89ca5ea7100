package dev.warmgate.host.ort;

import static dev.warmgate.host.ffi.OrtCalls.STATUS_2;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_3;
import static dev.warmgate.host.ffi.OrtCalls.STATUS_4;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.config.WarmgateOptions;
import dev.warmgate.host.ffi.Native;
import dev.warmgate.kernels.RealType;
import dev.warmgate.onnx.AdaptedNode;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * {@code OrtCustomOpDomain}: the operators of {@link AdaptedNode}, for sessions that are given the
 * same options.
 *
 * <p>ONNX Runtime neither copies nor frees a domain, and doesn't say when the last session that
 * uses it ends. So there is one for each set of options that was ever given, and it stays.
 */
final class CustomOpDomain {
  /** Where ONNX Runtime looks for external data of a model that came from memory. */
  static final String FOLDER_ENTRY = "session.model_external_initializers_file_folder_path";

  private static final Map<Key, CustomOpDomain> DOMAINS = new HashMap<>();

  private final long address;

  private record Key(long apiBase, Map<String, String> options, Optional<String> folder) {}

  private CustomOpDomain(OrtApi api, Map<String, String> options, Optional<String> folder) {
    try (Arena arena = Arena.ofConfined()) {
      // SAFETY: ONNX Runtime copies the name and writes one pointer into `out`. The domain is ours
      // to free and never is, nor are its operators' structs: a session may use them to the end.
      long out = arena.allocate(JAVA_LONG).address();
      api.check(
          (long)
              STATUS_2.invokeExact(
                  api.function(OrtAbi.CREATE_CUSTOM_OP_DOMAIN),
                  arena.allocateFrom(AdaptedNode.DOMAIN).address(),
                  out));
      address = Native.pointer(out);
      for (boolean quantised : new boolean[] {false, true}) {
        for (RealType values : RealType.values()) {
          var op = new CustomOp(api, quantised, values, options, folder);
          api.check(
              (long)
                  STATUS_2.invokeExact(
                      api.function(OrtAbi.CUSTOM_OP_DOMAIN_ADD), address, op.address()));
        }
      }
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  /**
   * What stands behind {@code RegisterCustomOps}: lets sessions with these options use the
   * operators.
   *
   * @param sessionOptions {@code OrtSessionOptions}, whose entries {@code ep.warmgate.*} count
   * @return an {@code OrtStatus}, 0 if all went well
   */
  static long register(long sessionOptions, long apiBase) {
    OrtApi api = OrtApi.forCustomOps(apiBase);
    return Upcall.status(
        api,
        "RegisterCustomOps",
        () -> {
          Map<String, String> options = new HashMap<>();
          for (String name : WarmgateOptions.names()) {
            entry(api, sessionOptions, EpFactory.OPTION_PREFIX + name)
                .ifPresent(value -> options.put(name, value));
          }
          WarmgateOptions.parse(options);
          Optional<String> folder = entry(api, sessionOptions, FOLDER_ENTRY);
          of(api, new Key(apiBase, Map.copyOf(options), folder)).addTo(api, sessionOptions);
        });
  }

  private static CustomOpDomain of(OrtApi api, Key key) {
    synchronized (DOMAINS) {
      return DOMAINS.computeIfAbsent(
          key, made -> new CustomOpDomain(api, made.options(), made.folder()));
    }
  }

  private void addTo(OrtApi api, long sessionOptions) {
    try {
      // SAFETY: the host owns the options for the time of the call; the domain outlives them.
      api.check(
          (long)
              STATUS_2.invokeExact(
                  api.function(OrtAbi.ADD_CUSTOM_OP_DOMAIN), sessionOptions, address));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }

  private static Optional<String> entry(OrtApi api, long sessionOptions, String key) {
    try (Arena arena = Arena.ofConfined()) {
      // SAFETY: the host owns the options for the time of the call. ONNX Runtime writes an int, a
      // size, and as many bytes as the size that it is given says; all of that is this call's.
      long name = arena.allocateFrom(key).address();
      MemorySegment there = arena.allocate(JAVA_INT);
      api.check(
          (long)
              STATUS_3.invokeExact(
                  api.function(OrtAbi.HAS_SESSION_CONFIG_ENTRY),
                  sessionOptions,
                  name,
                  there.address()));
      if (there.get(JAVA_INT, 0) == 0) {
        return Optional.empty();
      }
      MemorySegment size = arena.allocate(JAVA_LONG);
      MemorySegment function = api.function(OrtAbi.GET_SESSION_CONFIG_ENTRY);
      api.check((long) STATUS_4.invokeExact(function, sessionOptions, name, 0L, size.address()));
      MemorySegment value = arena.allocate(Math.max(size.get(JAVA_LONG, 0), 1));
      api.check(
          (long)
              STATUS_4.invokeExact(
                  function, sessionOptions, name, value.address(), size.address()));
      return Optional.of(value.getString(0));
    } catch (Throwable e) {
      throw Native.rethrow(e);
    }
  }
}
