/**
 * Which experts a model will want next: predictions from what it has routed so far.
 *
 * <p>Predictors learn while the model runs, are used by many threads without locks, and allocate
 * nothing once made.
 */
package dev.warmgate.residency.prefetch;
