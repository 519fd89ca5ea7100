/**
 * Text from decoder models that are laid out as ONNX Runtime GenAI's model builder writes them: a
 * folder with {@code genai_config.json}, the ONNX file that it names, and a tokenizer.
 *
 * <p>Invariants:
 *
 * <ul>
 *   <li>The key-value cache of a sequence alone is handed from one step's {@code present.*} outputs
 *       to the next step's {@code past_key_values.*} inputs without a copy; that of sequences side
 *       by side is one piece of memory, which a step extends in place. Whoever made a tensor closes
 *       it, once.
 *   <li>What is written side by side is what each sequence is alone, up to the rounding of sums; a
 *       model for which that isn't so is found out beforehand, and its sequences take turns.
 *   <li>A sequence never grows beyond the model's context length, and no id outside the vocabulary
 *       reaches the model.
 *   <li>The package knows ONNX Runtime and nothing of Warmgate: the caller's {@link
 *       dev.warmgate.generate.SessionSetup} decides which execution provider serves the session, so
 *       that the same loop runs with and without it.
 * </ul>
 *
 * <p>Threading: a {@link dev.warmgate.generate.DecoderModel} and a {@link
 * dev.warmgate.generate.Generator} may be used from many threads at once; a {@link
 * dev.warmgate.generate.DecoderState}, a {@link dev.warmgate.generate.Sampler} and a {@link
 * dev.warmgate.generate.TextStream} belong to one sequence and to one thread at a time; a {@link
 * dev.warmgate.generate.TextBatch} with all of its texts belongs to one thread at a time.
 */
package dev.warmgate.generate;
