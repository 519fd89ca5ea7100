package dev.warmgate.cli;

/** The thing asked for failed; the message is the one line that the user sees. */
public final class CommandFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int exitCode;

  /** With one line for the user. */
  public CommandFailure(String message) {
    this(Main.FAILED, message);
  }

  /** The same with the exit code of another process, which failed. */
  CommandFailure(int exitCode, String message) {
    super(message);
    this.exitCode = exitCode;
  }

  int exitCode() {
    return exitCode;
  }
}
