/** Stress tests of the pools from which calls take their buffers. */
package dev.warmgate.expert;
