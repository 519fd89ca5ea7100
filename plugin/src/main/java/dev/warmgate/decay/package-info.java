/**
 * Values that fade with time, for whoever counts what was wanted lately. Knows nothing of experts.
 *
 * <p>Safe for any number of threads; takes no lock and allocates nothing after construction.
 */
package dev.warmgate.decay;
