/**
 * Dispatch under capacity, measured: the settings that the phase router's authors published, the
 * methods they and others compare with, and how much each places, follows the gate and costs.
 */
package dev.warmgate.benchmarks.dispatch;
