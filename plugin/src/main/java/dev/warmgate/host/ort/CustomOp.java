package dev.warmgate.host.ort;

import static dev.warmgate.host.ffi.OrtCalls.STATUS_3;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.warmgate.host.ffi.Native;
import dev.warmgate.kernels.RealType;
import dev.warmgate.onnx.AdaptedNode;
import dev.warmgate.onnx.ElementType;
import java.lang.foreign.Arena;
import java.util.Map;
import java.util.Optional;

/**
 * {@code OrtCustomOp}: one operator of {@link AdaptedNode}, for one type of values.
 *
 * <p>It lives as long as the process, as its domain does; kernels are freed in their release
 * callback.
 */
final class CustomOp {
  private static final long STRUCT_BYTES = 208;
  private static final int REQUIRED = 0; // INPUT_OUTPUT_REQUIRED
  private static final int OPTIONAL = 1; // INPUT_OUTPUT_OPTIONAL

  private final OrtApi api;
  private final boolean quantised;
  private final ElementType values;
  private final AdaptedModels models;
  private final Arena arena = Arena.global();
  private final CallbackStruct struct =
      new CallbackStruct(this, STRUCT_BYTES, OrtApi.CUSTOM_OP_VERSION, arena);
  private final long name;
  private final Handles<AdaptedModels.Kernel> kernels = new Handles<>();

  /**
   * An operator.
   *
   * @param options what the session's configuration says
   * @param folder of models that come from memory, if the session's configuration says it
   */
  CustomOp(
      OrtApi api,
      boolean quantised,
      RealType values,
      Map<String, String> options,
      Optional<String> folder) {
    this.api = api;
    this.quantised = quantised;
    this.values = values == RealType.FP32 ? ElementType.FLOAT : ElementType.FLOAT16;
    this.models = new AdaptedModels(api, this.values, options, folder);
    this.name = arena.allocateFrom(quantised ? "QMoE" : "MoE").address();
    struct.callback(16, "getName", 1, true);
    struct.callback(24, "getExecutionProviderType", 1, true);
    struct.callback(32, "getInputType", 2, true);
    struct.callback(40, "getInputTypeCount", 1, true);
    struct.callback(48, "getOutputType", 2, true);
    struct.callback(56, "getOutputTypeCount", 1, true);
    struct.callback(72, "kernelDestroy", 1, false);
    struct.callback(80, "getInputCharacteristic", 2, true);
    struct.callback(88, "getOutputCharacteristic", 2, true);
    struct.callback(96, "getInputMemoryType", 2, true);
    struct.callback(136, "createKernelV2", 4, true);
    struct.callback(144, "kernelComputeV2", 2, true);
    struct.callback(152, "inferOutputShapeFn", 2, true);
  }

  /** The struct that ONNX Runtime sees. */
  long address() {
    return struct.address();
  }

  long getName(long self) {
    return name;
  }

  long getExecutionProviderType(long self) {
    return 0; // The CPU's.
  }

  long getInputType(long self, long index) {
    return (index == AdaptedNode.STORE ? ElementType.UINT8 : values).code();
  }

  long getInputTypeCount(long self) {
    return quantised ? AdaptedNode.SHARES + 1 : AdaptedNode.STORE + 1;
  }

  long getOutputType(long self, long index) {
    return values.code();
  }

  long getOutputTypeCount(long self) {
    return 1;
  }

  long getInputCharacteristic(long self, long index) {
    return index == AdaptedNode.SHARES ? OPTIONAL : REQUIRED;
  }

  long getOutputCharacteristic(long self, long index) {
    return REQUIRED;
  }

  long getInputMemoryType(long self, long index) {
    return 0; // OrtMemTypeDefault
  }

  long createKernelV2(long self, long hostApi, long info, long kernelOut) {
    return Upcall.status(
        api,
        "CreateKernel",
        () -> {
          Native.putPointer(kernelOut, 0);
          Native.putPointer(kernelOut, kernels.add(models.kernel(new KernelInfo(api, info))));
        });
  }

  long kernelComputeV2(long kernel, long context) {
    return kernels.get(kernel).compute(context);
  }

  void kernelDestroy(long kernel) {
    Upcall.quiet(
        "KernelDestroy",
        () -> {
          if (kernel != 0) {
            kernels.remove(kernel).close();
          }
        });
  }

  /** The output has the shape of the hidden states, as far as that is known. */
  long inferOutputShapeFn(long self, long context) {
    return Upcall.status(
        api,
        "InferOutputShape",
        () -> {
          try (Arena call = Arena.ofConfined()) {
            long out = call.allocate(JAVA_LONG).address();
            // SAFETY: ONNX Runtime owns `context` for the time of this call, and the type that it
            // writes into `out`, which is this call's; both go no further than here.
            long known =
                (long)
                    STATUS_3.invokeExact(
                        api.function(OrtAbi.SHAPE_INFER_CONTEXT_GET_INPUT_TYPE_SHAPE),
                        context,
                        0L,
                        out);
            api.check(known);
            api.check(
                (long)
                    STATUS_3.invokeExact(
                        api.function(OrtAbi.SHAPE_INFER_CONTEXT_SET_OUTPUT_TYPE_SHAPE),
                        context,
                        0L,
                        Native.pointer(out)));
          } catch (Throwable e) {
            throw Native.rethrow(e);
          }
        },
        _ -> {
          // What can't be said now is found out when the operator runs.
        });
  }
}
