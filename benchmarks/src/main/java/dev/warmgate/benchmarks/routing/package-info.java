/**
 * JMH suites of the routing step: one token, batches, affinity and the adaptive controller. Nothing
 * in a body allocates.
 */
package dev.warmgate.benchmarks.routing;
