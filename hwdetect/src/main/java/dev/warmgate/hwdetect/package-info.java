/**
 * What this machine is ({@link dev.warmgate.hwdetect.HardwareProfile}) and the plan that follows
 * from it ({@link dev.warmgate.hwdetect.Plan}).
 *
 * <p>Invariants: a profile and a plan are immutable and safe to share between threads. A profile
 * holds facts and no judgement; all judgement is in {@link dev.warmgate.hwdetect.Planner}, which
 * reads nothing but its arguments. What could not be found out is empty in the profile and named in
 * its warnings; detection itself does not fail. Every decision in a plan carries its reason as text
 * for people. Sizes are in bytes.
 *
 * <p>The only state is the memory of the CPU, which does not change while a process lives.
 */
package dev.warmgate.hwdetect;
