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


def batch(stream, length, tokens, generator):
    """Cuts random pieces out of the token stream; returns inputs and targets, each [tokens / length, length]."""
    starts = torch.randint(len(stream) - length, (tokens // length, 1), generator=generator)
    pieces = stream[starts + torch.arange(length + 1)]
    return pieces[:, :-1], pieces[:, 1:]


def rate(progress, step, peak, warm_up):
    """The learning rate: linear warm-up, then a cosine down to 2% of the peak."""
    cosine = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
    return peak * min(1.0, (step + 1) / warm_up) * cosine


def optimizer_for(model):
    """AdamW; weight decay on the matrices only."""
    matrices, others = [], []
    for name, weight in model.named_parameters():
        plain = weight.dim() < 2 or name.endswith("_bias") or "embedding" in name
        (others if plain else matrices).append(weight)
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


def usage(counts):
    """Formats each layer's least and most used expert, as a percentage of an even share."""
    even = counts.sum(1, keepdim=True) / counts.shape[1]
    percent = 100 * counts / even
    return " ".join(f"{row.min():.0f}-{row.max():.0f}" for row in percent)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="folder with train.txt and heldout.txt")
    parser.add_argument("--tokenizer", type=Path, required=True, help="tokenizer.json that bpe.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoint.pt and training.log")
    parser.add_argument("--steps", type=int, default=4500)
    parser.add_argument("--minutes", type=float, default=0, help="end the schedule early after this time; 0: never")
    parser.add_argument("--batch", type=int, default=4096, help="tokens a step")
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--every", type=int, default=250, help="steps between two lines of the log")
    parser.add_argument("--seed", type=int, default=1611)
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    torch.manual_seed(options.seed)
    generator = torch.Generator().manual_seed(options.seed)

    tokenizer = Tokenizer.load(options.tokenizer)
    config = Config(vocabulary=len(tokenizer.tokens))
    text = {name: (options.text / f"{name}.txt").read_text(encoding="utf-8") for name in ("train", "heldout")}
    stream = {name: torch.tensor(tokenizer.encode(content)) for name, content in text.items()}
    held_out_bytes = len(text["heldout"].encode())

    model = Model(config, options.dropout)
    optimizer = optimizer_for(model)
    options.out.mkdir(parents=True, exist_ok=True)
    log = open(options.out / "training.log", "w", buffering=1, encoding="utf-8")

    def say(line):
        print(line, file=log)
        print(line, flush=True)

    say(f"# {config}")
    say("# " + " ".join(f"{name}={value}" for name, value in vars(options).items() if not isinstance(value, Path)))
    say(f"# parameters {sum(weight.numel() for weight in model.parameters())}")
    say(f"# train {len(stream['train'])} tokens, held out {len(stream['heldout'])} tokens, {held_out_bytes} bytes")
    say("# usage: least-most used expert of each layer on the held-out text, in percent of an even share")
    say("step\tseconds\ttokens_per_s\trate\ttrain_loss\theldout_loss\theldout_bits_per_byte\tusage")

    begin = mark = time.monotonic()
    losses, evaluating, tokens_since = [], 0.0, 0
    step, progress = 0, 0.0
    while step < options.steps and progress < 1.0:
        progress = step / options.steps
        if options.minutes:
            progress = max(progress, (time.monotonic() - begin) / 60 / options.minutes)
        for group in optimizer.param_groups:
            group["lr"] = rate(progress, step, options.rate, 200)
        length = config.context if progress >= LONG_FROM else config.context // 2
        inputs, targets = batch(stream["train"], length, options.batch, generator)
        logits, balance, z_loss, _ = model(inputs)
        loss = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        (loss + BALANCE_WEIGHT * balance + Z_WEIGHT * z_loss).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        losses.append(loss.item())
        tokens_since += targets.numel()
        step += 1
        if step % options.every == 0 or step in (1, 50, 100, options.steps) or progress >= 1.0:
            now = time.monotonic()
            speed = tokens_since / (now - mark)
            total, scored, counts = evaluate(model, stream["heldout"])
            say(
                f"{step}\t{now - begin:.0f}\t{speed:.0f}\t{optimizer.param_groups[0]['lr']:.2e}"
                f"\t{sum(losses) / len(losses):.4f}\t{total / scored:.4f}"
                f"\t{total / math.log(2) / held_out_bytes:.4f}\t{usage(counts)}"
            )
            torch.save({"config": asdict(config), "weights": model.state_dict()}, options.out / "checkpoint.new")
            (options.out / "checkpoint.new").replace(options.out / "checkpoint.pt")
            losses, tokens_since, mark = [], 0, time.monotonic()

    say("# experts on the held-out text, percent of each layer's tokens, most used first")
    for layer, row in enumerate(counts):
        share = (100 * row / row.sum()).sort(descending=True).values
        say(f"# layer {layer}: " + " ".join(f"{value:.1f}" for value in share))


if __name__ == "__main__":
    main()
