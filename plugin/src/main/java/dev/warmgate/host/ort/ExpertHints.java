package dev.warmgate.host.ort;

import dev.warmgate.expert.MoeModel;
import dev.warmgate.expert.Tape;
import java.nio.file.Path;

/**
 * Tells the caches of a model what will be wanted, by a host that knows: which experts, or which
 * sequence comes next.
 *
 * <pre>{@code
 * ExpertHints hints = ExpertHints.of(model);
 * ExpertHints.Sequence chat = hints.newSequence();
 * try (var recording = chat.record()) {
 *   session.run(...);   // a step of this sequence, on this thread
 * }
 * ...
 * chat.expect();        // while another sequence runs: this one comes next
 * }</pre>
 *
 * <p>A hint is a guess: it is read in the background, takes no slot from an expert that is likelier
 * to be wanted, and never changes a result. Thread-safe.
 */
public final class ExpertHints {
  private final MoeModel model;

  private ExpertHints(MoeModel model) {
    this.model = model;
  }

  /**
   * The hints for a model that a session of this process has open. They do nothing once it is
   * closed.
   *
   * @param model the model's file, as the session was given it
   * @throws IllegalArgumentException if no session has it open, or it has no layer that is served
   */
  public static ExpertHints of(Path model) {
    return MoeModel.openOn(model.toAbsolutePath().normalize())
        .map(ExpertHints::new)
        .orElseThrow(
            () -> new IllegalArgumentException(model + ": no session with Warmgate has it open"));
  }

  /** How many MoE layers the model has. */
  public int layers() {
    return model.layers();
  }

  /**
   * Says that a layer will want some experts.
   *
   * @param layer 0 to {@code layers() − 1}, in the order of execution
   * @param experts ids, the likeliest first
   * @throws IndexOutOfBoundsException if there is no such layer or expert
   */
  public void expect(int layer, int... experts) {
    model.expect(layer, experts);
  }

  /** A sequence of which nothing is known yet. */
  public Sequence newSequence() {
    return new Sequence(model.newTape());
  }

  /** One sequence among those that take turns. */
  public final class Sequence {
    private final Tape tape;

    private Sequence(Tape tape) {
      this.tape = tape;
    }

    /**
     * Notes what this thread's calls of the session use, until the recording is closed. A recording
     * within another takes its place meanwhile.
     */
    public Recording record() {
      Tape before = model.record(tape);
      return () -> model.record(before);
    }

    /** Says that this sequence comes next: what it used lately will be wanted. */
    public void expect() {
      for (int layer = 0; layer < model.layers(); layer++) {
        model.expect(layer, tape);
      }
    }
  }

  /** Ends the notes on a sequence; closed by the thread that began them. */
  @FunctionalInterface
  public interface Recording extends AutoCloseable {
    @Override
    void close();
  }
}
