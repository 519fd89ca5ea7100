/**
 * Which resident expert makes room for an absent one: policies that rank experts by what a model
 * has routed so far. They know neither slots nor files, and serve caches and simulations alike.
 *
 * <p>Policies are told of use and asked for worth by many threads without locks.
 */
package dev.warmgate.residency.eviction;
