/**
 * What people are told of failures: the same words wherever the product meets somebody. Stateless.
 */
package dev.warmgate.failure;
