"""A byte-level BPE tokenizer in the manner of GPT-2: trainer, encoder, and the `tokenizer.json` that carries it.

Text is cut into words by GPT-2's pattern, every byte of a word becomes one printable character, and pairs of symbols
are merged in the order in which training found them. Ids: 0 is `<|endoftext|>`, 1 to 256 are the bytes, then one id
a merge.
"""

import argparse
import heapq
import json
import random
from collections import Counter, defaultdict
from pathlib import Path

import regex

from text import SEPARATOR as END_OF_TEXT

WORD = regex.compile(r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
"""GPT-2's pattern."""


def byte_symbols():
    """Returns the 256 printable characters that stand for the bytes, as GPT-2 chose them."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    symbols = {byte: chr(byte) for byte in printable}
    for byte in range(256):
        if byte not in symbols:
            symbols[byte] = chr(256 + len(symbols) - len(printable))
    return [symbols[byte] for byte in range(256)]


SYMBOLS = byte_symbols()


def in_symbols(word):
    """Writes a word as a string of byte symbols."""
    return "".join(map(SYMBOLS.__getitem__, word.encode()))


def words(text):
    """Cuts text into words, each a string of byte symbols."""
    return [in_symbols(word) for word in WORD.findall(text)]


def train(counted_words, merges):
    """Learns `merges` merges from a Counter of words; ties go to the pair that sorts first. Returns a list of pairs."""
    spelled = [(list(word), count) for word, count in sorted(counted_words.items())]
    counts, places = Counter(), defaultdict(set)
    for index, (spelling, count) in enumerate(spelled):
        for pair in zip(spelling, spelling[1:]):
            counts[pair] += count
            places[pair].add(index)
    queue = [(-count, pair) for pair, count in counts.items()]
    heapq.heapify(queue)
    learned = []
    while len(learned) < merges and queue:
        negative, pair = heapq.heappop(queue)
        if -negative != counts[pair]:
            continue  # Out of date: the pair was queued again with its newer count.
        learned.append(pair)
        changed = set()
        for index in sorted(places[pair]):
            spelling, count = spelled[index]
            merged = merge(spelling, pair)
            for old in zip(spelling, spelling[1:]):
                counts[old] -= count
                changed.add(old)
            for new in zip(merged, merged[1:]):
                counts[new] += count
                places[new].add(index)
                changed.add(new)
            spelled[index] = (merged, count)
        for other in changed:
            if counts[other] > 0:
                heapq.heappush(queue, (-counts[other], other))
    return learned


def merge(spelling, pair):
    """Joins every occurrence of `pair` in a list of symbols, from the left."""
    merged, at = [], 0
    while at < len(spelling):
        if at + 1 < len(spelling) and (spelling[at], spelling[at + 1]) == pair:
            merged.append(spelling[at] + spelling[at + 1])
            at += 2
        else:
            merged.append(spelling[at])
            at += 1
    return merged


class Tokenizer:
    """Encodes and decodes with a learned list of merges."""

    def __init__(self, merges):
        self.merges = [tuple(pair) for pair in merges]
        self.rank = {pair: rank for rank, pair in enumerate(self.merges)}
        tokens = [END_OF_TEXT, *sorted(SYMBOLS), *(left + right for left, right in self.merges)]
        self.vocabulary = {token: index for index, token in enumerate(tokens)}
        self.tokens = tokens
        self.known = {}

    @classmethod
    def load(cls, path):
        """Reads a `tokenizer.json` that `save` wrote."""
        return cls([pair.split(" ") for pair in json.loads(Path(path).read_text(encoding="utf-8"))["model"]["merges"]])

    def encode(self, text):
        """Returns the ids of a text; documents parted by `<|endoftext|>` get it before each and at the end."""
        ids = []
        for part in text.split(END_OF_TEXT):
            ids.append(0)
            for word in words(part):
                if word not in self.known:
                    self.known[word] = [self.vocabulary[symbol] for symbol in self.spell(word)]
                ids.extend(self.known[word])
        return [*ids, 0]

    def spell(self, word):
        """Merges one word's symbols, lowest rank first."""
        spelling = list(word)
        while len(spelling) > 1:
            pair = min(zip(spelling, spelling[1:]), key=lambda pair: self.rank.get(pair, len(self.rank)))
            if pair not in self.rank:
                break
            spelling = merge(spelling, pair)
        return spelling

    def decode(self, ids):
        """Returns the text of ids, without `<|endoftext|>`."""
        byte = {symbol: index for index, symbol in enumerate(SYMBOLS)}
        spelled = "".join(self.tokens[index] for index in ids if index != 0)
        return bytes(byte[symbol] for symbol in spelled).decode("utf-8", "replace")

    def save(self, folder, context_length):
        """Writes `tokenizer.json` and `tokenizer_config.json`, in the form that the `tokenizers` library reads."""
        byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
        special = {"content": END_OF_TEXT, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
        tokenizer = {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": [{"id": 0, **special, "special": True}],
            "normalizer": None,
            "pre_tokenizer": byte_level,
            # A text begins with <|endoftext|>, as each document did in training.
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [
                    {"SpecialToken": {"id": END_OF_TEXT, "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}},
                ],
                "pair": [
                    {"SpecialToken": {"id": END_OF_TEXT, "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}},
                    {"Sequence": {"id": "B", "type_id": 1}},
                ],
                "special_tokens": {END_OF_TEXT: {"id": END_OF_TEXT, "ids": [0], "tokens": [END_OF_TEXT]}},
            },
            "decoder": byte_level,
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": None,
                "continuing_subword_prefix": "",
                "end_of_word_suffix": "",
                "fuse_unk": False,
                "byte_fallback": False,
                "vocab": self.vocabulary,
                "merges": [" ".join(pair) for pair in self.merges],
            },
        }
        config = {
            "add_prefix_space": False,
            "added_tokens_decoder": {"0": {**special, "special": True}},
            "bos_token": END_OF_TEXT,
            "clean_up_tokenization_spaces": False,
            "eos_token": END_OF_TEXT,
            "model_max_length": context_length,
            "pad_token": END_OF_TEXT,
            "tokenizer_class": "GPT2Tokenizer",
            "unk_token": END_OF_TEXT,
        }
        for name, content in (("tokenizer.json", tokenizer), ("tokenizer_config.json", config)):
            written = json.dumps(content, ensure_ascii=False, indent=1) + "\n"
            (Path(folder) / name).write_text(written, encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--text", type=Path, required=True, help="folder that text.py wrote")
    parser.add_argument("--out", type=Path, required=True, help="folder for tokenizer.json")
    parser.add_argument("--vocabulary", type=int, default=4096)
    parser.add_argument("--context", type=int, default=512)
    parser.add_argument("--part", type=float, default=0.3, help="part of the documents to learn the merges from")
    options = parser.parse_args()
    counted = Counter()
    for file in sorted(options.text.glob("train/*.txt")):
        documents = file.read_text(encoding="utf-8").split(END_OF_TEXT)
        for document in random.Random(0).sample(documents, int(options.part * len(documents))):
            counted.update(WORD.findall(document))
    spelled = Counter()
    for word, count in counted.items():
        if count > 1:  # What occurs once teaches no merge that would be used again.
            spelled[in_symbols(word)] += count
    tokenizer = Tokenizer(train(spelled, options.vocabulary - 257))
    options.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(options.out, options.context)
    for file in sorted(options.text.glob("heldout/*.txt")):
        text = file.read_text(encoding="utf-8")
        print(f"{file.stem}: {len(text.encode()) / len(tokenizer.encode(text)):.2f} bytes a token")


if __name__ == "__main__":
    main()
