package dev.warmgate.metrics;

import java.util.Optional;

/**
 * What routing did in one layer of a session.
 *
 * @param layer the node's name
 * @param routing since the session was made
 * @param controller of its strength, if that adapts
 */
public record LayerStats(
    String layer, RoutingStats routing, Optional<ControllerState> controller) {}
