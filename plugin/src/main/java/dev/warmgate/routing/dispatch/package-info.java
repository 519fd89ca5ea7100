/**
 * Dispatch of a whole batch when a target can take only so many rows. A row is a token, a target an
 * expert, and a capacity says how many rows the target takes.
 *
 * <p>Two ways, both deterministic. {@link dev.warmgate.routing.dispatch.PhaseRouter} needs no
 * coordination: each row finds its targets from shared seeds alone, in proportion to capacity, and
 * may overrun a target. {@link dev.warmgate.routing.dispatch.CapacityDispatch} looks at all rows'
 * gate logits, never overruns a target, and places every row while that is possible at all.
 *
 * <p>Invariants: outputs belong to the caller and are filled completely, -1 where a place stays
 * empty; results depend on the arguments only, never on threads or on earlier calls; after
 * construction nothing is allocated per row. Threading: an instance owns workspace and serves one
 * call at a time; {@link dev.warmgate.routing.dispatch.PhaseRouter} splits a call over threads
 * itself.
 */
package dev.warmgate.routing.dispatch;
