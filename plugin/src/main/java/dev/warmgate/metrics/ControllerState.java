package dev.warmgate.metrics;

/**
 * What the controller of an adaptive strength sees and does now.
 *
 * @param lambda the strength of the bias
 * @param hitRate its moving average of the share of chosen experts that were resident
 * @param massKept its moving average of the kept gate mass
 * @param periods how often it has looked
 */
public record ControllerState(float lambda, double hitRate, double massKept, long periods) {}
