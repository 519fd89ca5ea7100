/** Stress tests of what routing shares between threads. */
package dev.warmgate.routing;
