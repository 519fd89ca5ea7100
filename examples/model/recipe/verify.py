"""Compares an exported model in ONNX Runtime with the trained one in torch, and continues prompts with it.

This is the only step that needs the `onnxruntime` module; stock ONNX Runtime, no plugin.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import torch

from bpe import Tokenizer
from export import load

LIMIT = 1e-4
"""The largest difference between logits, relative to the largest logit, that passes."""


class Decoder:
    """The exported model with its KV cache."""

    def __init__(self, folder):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        file = str(Path(folder) / "model.onnx")
        self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
        self.outputs = [output.name for output in self.session.get_outputs()]
        self.clear()

    def clear(self):
        """Forgets all tokens seen."""
        self.cache = {
            given.name: np.zeros((1, given.shape[1], 0, given.shape[3]), np.float32)
            for given in self.session.get_inputs()
            if given.name.startswith("past_key_values.")
        }
        self.seen = 0

    def feed(self, ids):
        """Appends ids, a list of n tokens; returns their logits [n, V]."""
        self.seen += len(ids)
        inputs = {"input_ids": np.array([ids]), "attention_mask": np.ones((1, self.seen), np.int64), **self.cache}
        results = dict(zip(self.outputs, self.session.run(None, inputs)))
        self.cache = {
            name.replace("present", "past_key_values"): value for name, value in results.items() if name != "logits"
        }
        return results["logits"][0]

    def generate(self, ids, tokens):
        """Continues ids greedily by at most `tokens` tokens, up to `<|endoftext|>`; returns the new ids."""
        self.clear()
        logits, made = self.feed(ids), []
        while len(made) < tokens and (best := int(logits[-1].argmax())) != 0:
            made.append(best)
            logits = self.feed([best])
        return made


def difference(decoder, expected, ids, prefill):
    """Feeds `prefill` ids at once and the others one by one; returns the largest error relative to the scale."""
    decoder.clear()
    logits = [decoder.feed(ids[:prefill]), *(decoder.feed([token]) for token in ids[prefill:])]
    return float(np.abs(np.concatenate(logits) - expected).max() / np.abs(expected).max())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--model", type=Path, required=True, help="folder that export.py wrote")
    parser.add_argument("--text", type=Path, required=True, help="text to compare on")
    parser.add_argument("--prompt", action="append", default=[], help="continue this text; may be given again")
    parser.add_argument("--tokens", type=int, default=120)
    options = parser.parse_args()

    tokenizer = Tokenizer.load(options.model / "tokenizer.json")
    trained, decoder = load(options.checkpoint), Decoder(options.model)
    ids = tokenizer.encode(options.text.read_text(encoding="utf-8"))[: trained.config.context]
    with torch.no_grad():
        expected = trained(torch.tensor([ids]))[0][0].numpy()
    errors = {f"{prefill} tokens at once": difference(decoder, expected, ids, prefill) for prefill in (len(ids), 8)}
    for name, error in errors.items():
        print(f"{name}, {len(ids)} in all: relative error {error:.1e}")
    for prompt in options.prompt:
        start = [0, *tokenizer.encode(prompt)[1:-1]]
        print(f"--- {prompt}\n{tokenizer.decode(start + decoder.generate(start, options.tokens))}")
    if max(errors.values()) > LIMIT:
        sys.exit(f"the export differs from the trained model by more than {LIMIT}")


if __name__ == "__main__":
    main()
