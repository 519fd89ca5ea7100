package dev.warmgate.cli;

import ai.onnxruntime.OrtException;
import dev.warmgate.failure.FailureText;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.ServiceLoader;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The entry point of the command line. */
@Command(
    name = "warmgate",
    mixinStandardHelpOptions = true,
    version = "warmgate 0.1.0",
    description = "Runs Mixture-of-Experts ONNX models whose experts do not fit in memory.")
public final class Main implements Runnable {
  static final String DEBUG = "--debug";

  static final int DONE = 0;
  static final int FAILED = 1;
  static final int UNUSABLE = 2;

  @Spec private CommandSpec spec;

  private Main() {}

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    StandardOutput out = StandardOutput.open();
    Console console = Console.system(out);
    int exitCode = run(console, args);
    if (exitCode == DONE && out.failure().isPresent()) {
      String reason = out.failure().get().getMessage();
      exitCode = fail(console, false, new CommandFailure("standard output: " + reason));
    }
    System.exit(exitCode);
  }

  /**
   * Runs one command within this process.
   *
   * @param out gets the result
   * @param err gets errors, logs and progress
   * @return the exit code
   */
  public static int run(PrintStream out, PrintStream err, String... args) {
    return run(new Console(out, err, false), args);
  }

  private static int run(Console console, String... args) {
    boolean debug = List.of(args).contains(DEBUG);
    CommandLine commands = new CommandLine(new Main());
    List.of(
            new DoctorCommand(console),
            new InspectCommand(console),
            new CheckCommand(console),
            new InferCommand(console),
            new RepackCommand(console),
            new AdaptCommand(console),
            new RunCommand(console),
            new DemoCommand(console),
            new EvaluateCommand(console),
            new TraceCommand(console),
            new SimulateCommand(console))
        .forEach(commands::addSubcommand);
    for (CommandProvider provider : ServiceLoader.load(CommandProvider.class)) {
      provider.commands(console.out(), console.err()).forEach(commands::addSubcommand);
    }
    commands.setOut(new PrintWriter(console.out(), true, StandardCharsets.UTF_8));
    commands.setErr(new PrintWriter(console.err(), true, StandardCharsets.UTF_8));
    commands.setParameterExceptionHandler((e, arguments) -> fail(console, debug, e));
    commands.setExecutionExceptionHandler((e, line, result) -> fail(console, debug, e));
    try {
      return commands.execute(args);
    } catch (OutOfMemoryError | LinkageError e) {
      return fail(console, debug, e);
    } finally {
      console.out().flush();
    }
  }

  @Override
  public void run() {
    throw new ParameterException(spec.commandLine(), "no command given; see warmgate --help");
  }

  private static int fail(Console console, boolean debug, Throwable error) {
    console.out().flush();
    if (debug) {
      error.printStackTrace(console.err());
    } else {
      console.err().println("warmgate: " + Texts.oneLine(message(error)));
    }
    return switch (error) {
      case CommandFailure failure -> failure.exitCode();
      case ParameterException usage -> UNUSABLE;
      case IOException unusable -> UNUSABLE;
      case IllegalArgumentException unusable -> UNUSABLE;
      default -> FAILED;
    };
  }

  /** What is at the bottom of it. */
  private static String root(Throwable error) {
    Throwable root = error;
    while (root.getCause() != null) {
      root = root.getCause();
    }
    return root.getClass().getSimpleName() + ": " + root.getMessage();
  }

  private static String message(Throwable error) {
    String message = String.valueOf(error.getMessage());
    return switch (error) {
      case ParameterException usage -> message;
      case CommandFailure failure -> message;
      case OrtException failed -> message;
      case IOException unusable -> FailureText.of(unusable);
      case IllegalArgumentException unusable -> FailureText.of(unusable);
      case OutOfMemoryError memory ->
          "out of memory (" + message + "); WARMGATE_JAVA_OPTS=-Xmx2g gives the Java heap more";
      // Of ONNX Runtime or the tokenizer, most likely: their jars hold them packed.
      case LinkageError library ->
          "a library can't be loaded: %s; libraries are unpacked into %s, and"
                  .formatted(root(library), System.getProperty("java.io.tmpdir"))
              + " WARMGATE_JAVA_OPTS=-Djava.io.tmpdir=FOLDER names another folder";
      default ->
          "internal error: %s: %s (%s shows where)"
              .formatted(error.getClass().getSimpleName(), message, DEBUG);
    };
  }
}
