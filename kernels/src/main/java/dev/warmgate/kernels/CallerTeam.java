package dev.warmgate.kernels;

/** The team of one: the calling thread. */
enum CallerTeam implements Team {
  INSTANCE;

  @Override
  public int width() {
    return 1;
  }

  @Override
  public void run(Kernels kernels, Step step, FfnBatch batch) {
    for (int part = 0; part < batch.parts(); part++) {
      kernels.run(step, batch, part);
    }
  }
}
