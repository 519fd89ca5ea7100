/** Stress tests of what residency shares between threads without a lock. */
package dev.warmgate.residency;
