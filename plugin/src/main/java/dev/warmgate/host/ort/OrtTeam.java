package dev.warmgate.host.ort;

import dev.warmgate.kernels.FfnBatch;
import dev.warmgate.kernels.Kernels;
import dev.warmgate.kernels.Step;
import dev.warmgate.kernels.Team;
import java.lang.foreign.MemorySegment;

/**
 * The threads of the session's own pool. They are there anyway; a pool of ours beside them would
 * compete for the same cores.
 */
final class OrtTeam implements Team {
  private final OrtApi api;
  private final int width;
  private long context;

  OrtTeam(OrtApi api, int width) {
    this.api = api;
    this.width = width;
  }

  /** Says for which {@code OrtKernelContext} the next steps are. */
  void begin(long kernelContext) {
    context = kernelContext;
  }

  @Override
  public int width() {
    return width;
  }

  @Override
  public void run(Kernels kernels, Step step, FfnBatch batch) {
    MemorySegment function = kernels.function(step);
    if (batch.parts() == 1 || function.address() == 0) {
      Team.caller().run(kernels, step, batch);
    } else {
      // SAFETY: the batch stays open and unchanged until the call returns, when all parts are done.
      api.parallelFor(context, function.address(), batch.parts(), batch.argument().address());
    }
  }
}
