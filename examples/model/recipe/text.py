"""The training text: the King James Bible, as Debian's `bible-kjv` package carries it.

The package keeps the text compressed and comes with a program, `bible`, that prints it one verse a line
(`Ge1:1 In the beginning God created ...`). This module turns that into chapters, and the chapters into a training
and a held-out part.

A chapter becomes one document: a heading, an empty line, then one verse a line.

    Genesis 1

    In the beginning God created the heaven and the earth.
    And the earth was without form, and void; ...
"""

import argparse
import random
import re
import subprocess
from pathlib import Path

BOOKS = (
    "Genesis,Exodus,Leviticus,Numbers,Deuteronomy,Joshua,Judges,Ruth,1 Samuel,2 Samuel,1 Kings,2 Kings,"
    "1 Chronicles,2 Chronicles,Ezra,Nehemiah,Esther,Job,Psalms,Proverbs,Ecclesiastes,Song of Solomon,Isaiah,"
    "Jeremiah,Lamentations,Ezekiel,Daniel,Hosea,Joel,Amos,Obadiah,Jonah,Micah,Nahum,Habakkuk,Zephaniah,Haggai,"
    "Zechariah,Malachi,Matthew,Mark,Luke,John,Acts,Romans,1 Corinthians,2 Corinthians,Galatians,Ephesians,"
    "Philippians,Colossians,1 Thessalonians,2 Thessalonians,1 Timothy,2 Timothy,Titus,Philemon,Hebrews,James,"
    "1 Peter,2 Peter,1 John,2 John,3 John,Jude,Revelation"
).split(",")
VERSES = 31102
VERSE = re.compile(r"^(\d?[A-Za-z]+)(\d+):(\d+) (.*)$")


def print_verses(program):
    """Runs Debian's `bible` program, a list of its name and options; returns the whole text as it prints it."""
    return subprocess.run(
        [*program, "Gen1:1-Rev22:21"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True
    ).stdout


def chapters(printed):
    """Parses the program's output into the list of chapters, in reading order, each one string."""
    found, verses = [], 0
    book, book_abbreviation, chapter_number = -1, None, None
    for line in printed.splitlines():
        match = VERSE.match(line)
        if not match:
            continue
        abbreviation, chapter, _, text = match.groups()
        if abbreviation != book_abbreviation:
            book, book_abbreviation, chapter_number = book + 1, abbreviation, None
        if chapter != chapter_number:
            chapter_number = chapter
            found.append(f"{BOOKS[book]} {chapter}\n\n")
        found[-1] += text.strip() + "\n"
        verses += 1
    if verses != VERSES or book != len(BOOKS) - 1:
        raise ValueError(f"expected {VERSES} verses in {len(BOOKS)} books, found {verses} in {book + 1}")
    return found


def split(all_chapters, held_out, seed):
    """Draws `held_out` chapters at random; returns (training chapters, held-out chapters), both in reading order."""
    drawn = set(random.Random(seed).sample(range(len(all_chapters)), held_out))
    return (
        [text for index, text in enumerate(all_chapters) if index not in drawn],
        [text for index, text in enumerate(all_chapters) if index in drawn],
    )


SEPARATOR = "\f"
"""Stands between chapters in the files that `main` writes; the tokenizer puts `<|endoftext|>` there."""


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, help="folder for train.txt and heldout.txt")
    parser.add_argument("--program", default="bible -f", help="the bible program and its options")
    parser.add_argument("--held-out", type=int, default=36, help="chapters kept out of training")
    parser.add_argument("--sample", type=Path, help="file for every tenth held-out chapter, as plain text")
    parser.add_argument("--seed", type=int, default=1611)
    options = parser.parse_args()
    train, held_out = split(chapters(print_verses(options.program.split())), options.held_out, options.seed)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, part in (("train.txt", train), ("heldout.txt", held_out)):
        (options.out / name).write_text(SEPARATOR.join(part), encoding="utf-8")
        print(f"{name}: {len(part)} chapters, {sum(len(text.encode()) for text in part)} bytes")
    if options.sample:
        options.sample.write_text("\n".join(held_out[::10]), encoding="utf-8")


if __name__ == "__main__":
    main()
