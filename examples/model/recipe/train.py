"""Trains the model on one CPU core and writes `checkpoint.pt` and `training.log`."""

import argparse
import math
import time
from dataclasses import asdict
from pathlib import Path

import torch
from torch.nn import functional

from bpe import Tokenizer
from model import Config, Model

BALANCE_WEIGHT = 0.01
Z_WEIGHT = 1e-4
LONG_FROM = 0.75
"""From this part of the run on, sequences have the full context length; before, half of it, which is cheaper."""
FOUR_BITS_FROM = 0.85
"""From this part of the run on, the experts learn to do with weights of 4 bits."""


def batch(streams, length, tokens, generator):
    """Cuts random pieces out of the kinds' token streams in turn; returns inputs and targets [tokens / length, length]."""
    pieces = []
    for index in range(tokens // length):
        stream = streams[index % len(streams)]
        start = torch.randint(len(stream) - length, (), generator=generator)
        pieces.append(stream[start : start + length + 1])
    pieces = torch.stack(pieces)
    return pieces[:, :-1], pieces[:, 1:]


def rate(progress, step, peak, warm_up):
    """The learning rate: linear warm-up, then a cosine down to 2% of the peak."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return peak * min(1.0, (step + 1) / warm_up) * cosine


def optimizer_for(model):
    """AdamW; weight decay on the matrices only."""
    matrices, others = [], []
    for name, weight in model.named_parameters():
        (others if weight.dim() < 2 or "embedding" in name else matrices).append(weight)
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, betas=(0.9, 0.95), eps=1e-9, foreach=True)


@torch.no_grad()
def evaluate(model, stream):
    """Scores every token of a stream once, in windows of the full context that do not overlap.

    Returns (sum of negative log likelihoods in nats, tokens scored, tokens routed to each expert [layers, E]).
    """
    model.eval()
    length = model.config.context
    total, scored, counts = 0.0, 0, 0
    for start in range(0, len(stream) - 1, length):
        piece = stream[start : start + length + 1]
        logits, _, _, count = model(piece[None, :-1])
        total += functional.cross_entropy(logits[0], piece[1:], reduction="sum").item()
        scored += len(piece) - 1
        counts = counts + count
    model.train()
    return total, scored, counts


def bits_per_byte(nats, text):
    """The score of a text in bits for each of its bytes."""
    return nats / math.log(2) / len(text.encode())


class HeldOut:
    """The held-out text of each kind."""

    def __init__(self, texts, tokenizer):
        self.texts = texts
        self.streams = {kind: torch.tensor(tokenizer.encode(text)) for kind, text in texts.items()}

    def score(self, model):
        """Returns (bits per byte of all, {kind: bits per byte}, {kind: tokens routed to each expert [layers, E]})."""
        scores = {kind: evaluate(model, stream) for kind, stream in self.streams.items()}
        kinds = {kind: bits_per_byte(score[0], self.texts[kind]) for kind, score in scores.items()}
        total = bits_per_byte(sum(score[0] for score in scores.values()), "".join(self.texts.values()))
        return total, kinds, {kind: score[2] for kind, score in scores.items()}


def usage(counts):
    """Formats each layer's least and most used expert, in percent of the layer's tokens' choices."""
    percent = 100 * counts / counts.sum(1, keepdim=True)
    return " ".join(f"{row.min():.1f}-{row.max():.1f}" for row in percent)


def read(folder, name):
    """Returns {kind: text} of the files NAME/KIND.txt."""
    return {file.stem: file.read_text(encoding="utf-8") for file in sorted(folder.glob(f"{name}/*.txt"))}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="folder that text.py wrote")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json that bpe.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt and training.log")
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--minutes", type=float, default=0, help="end the schedule early after this time; 0: never")
    parser.add_argument("--batch", type=int, default=2560, help="tokens a step")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--every", type=int, default=500, help="steps between two lines of the log")
    parser.add_argument("--seed", type=int, default=1611)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)

    tokenizer = Tokenizer.load(options.tokenizer)
    held_out = HeldOut(read(options.text, "heldout"), tokenizer)
    streams = [torch.tensor(tokenizer.encode(text)) for text in read(options.text, "train").values()]
    model = Model(Config(vocabulary=len(tokenizer.tokens)))
    optimizer = optimizer_for(model)
    options.out.mkdir(parents=True, exist_ok=True)
    log = open(options.out / "training.log", "w", buffering=1, encoding="utf-8")

    def say(line):
        print(line, file=log)
        print(line, flush=True)

    say(f"# {model.config}")
    say("# " + " ".join(f"{name}={value}" for name, value in vars(options).items() if not isinstance(value, Path)))
    say(f"# parameters {sum(weight.numel() for weight in model.parameters())}")
    say(f"# train {sum(map(len, streams))} tokens, held out {sum(map(len, held_out.streams.values()))} tokens")
    say("# usage: least-most used expert of each layer on the held-out text, in percent")
    say("step\tseconds\ttokens_per_s\trate\ttrain_loss\tbits_per_byte\t" + "\t".join(held_out.texts) + "\tusage")

    begin = mark = time.monotonic()
    losses, tokens_since = [], 0
    step, progress = 0, 0.0
    while step < options.steps and progress < 1.0:
        progress = step / options.steps
        if options.minutes:
            progress = max(progress, (time.monotonic() - begin) / 60 / options.minutes)
        if progress >= FOUR_BITS_FROM:
            model.quantise_experts()
        length = model.config.context if progress >= LONG_FROM else model.config.context // 2
        inputs, targets = batch(streams, length, options.batch, generator)
        logits, balance, z_loss, _ = model(inputs)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        model.zero_grad(set_to_none=True)
        (loss + BALANCE_WEIGHT * balance + Z_WEIGHT * z_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for group in optimizer.param_groups:
            group["lr"] = rate(progress, step, options.rate, 200)
        optimizer.step()
        losses.append(loss.item())
        tokens_since += targets.numel()
        step += 1
        if step % options.every == 0 or step in (100, options.steps) or progress >= 1.0:
            speed = tokens_since / (time.monotonic() - mark)
            total, kinds, counts = held_out.score(model)
            say(
                f"{step}\t{time.monotonic() - begin:.0f}\t{speed:.0f}\t{optimizer.param_groups[0]['lr']:.2e}"
                f"\t{sum(losses) / len(losses):.4f}\t{total:.4f}\t" + "\t".join(f"{bits:.4f}" for bits in kinds.values())
                + f"\t{usage(sum(counts.values()))}"
            )
            torch.save({"config": asdict(model.config), "weights": model.state_dict()}, options.out / "checkpoint.new")
            (options.out / "checkpoint.new").replace(options.out / "checkpoint.pt")
            losses, tokens_since, mark = [], 0, time.monotonic()

    say("# experts on the held-out text, percent of each layer's choices, expert by expert")
    for kind, by_layer in counts.items():
        for layer, row in enumerate(by_layer):
            say(f"# {kind} layer {layer}: " + " ".join(f"{value:.1f}" for value in 100 * row / row.sum()))


if __name__ == "__main__":
    main()
