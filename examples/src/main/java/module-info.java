/** The example's tokenizer. */
module dev.warmgate.examples {
  requires dev.warmgate.plugin;
  requires ai.djl.tokenizers;

  provides dev.warmgate.generate.TokenizerProvider with
      dev.warmgate.examples.HuggingFaceTokenizerProvider;
}
