/**
 * Benchmarks: commands of the command line ({@link dev.warmgate.benchmarks.BenchmarkCommands}) and
 * JMH suites ({@link dev.warmgate.benchmarks.Jmh}).
 *
 * <p>Each JMH suite is a public class whose name ends in {@code Benchmark}; a unit test runs each
 * of its bodies once against an oracle.
 */
package dev.warmgate.benchmarks;
