/**
 * The command line: one small class a command, all behind {@link dev.warmgate.cli.Main}.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>Exit codes: 0, done; 1, the thing asked for failed or differs; 2, wrong usage or unusable
 *       input. With 1 and 2 comes one line on stderr, and a stack trace only with {@code --debug}.
 *   <li>With {@code --json}, stdout gets exactly one JSON object, in UTF-8, and nothing else.
 *   <li>Commands write to the streams of their {@link dev.warmgate.cli.Console}, never to {@code
 *       System.out}, so that tests run them in one process.
 * </ul>
 *
 * <p>Threading: a command runs on the thread that called it.
 */
package dev.warmgate.cli;
