/** What the plugin counts. Snapshots are immutable; they may be read from any thread. */
package dev.warmgate.metrics;
