"""The training text: prose, technical documentation, source code, German and French, from packages that `fetch.sh` got.

Each source is a list of documents; every kind of text is cut to about the same size, and of each some documents are
held out. The files that this writes have the documents of a kind one after the other, parted by SEPARATOR:

    train/KIND.txt, heldout/KIND.txt
"""

import argparse
import gzip
import random
import re
import subprocess
import zipfile
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

SEPARATOR = "<|endoftext|>"
"""Stands between documents in the files that `main` writes: the token that begins and ends each."""

SHORTEST = 400
"""Documents with fewer characters are left out: indexes, stubs."""

LONGEST = 16_000
"""A longer document is cut into pieces of about this many characters, at a line's end."""

OFTEN = 0.01
"""A line of HTML that stands in more than this part of a source's pages is navigation, not text."""


class Lines(HTMLParser):
    """Takes the lines of text out of a page: one a block element, or as they are within <pre>."""

    BLOCKS = frozenset("p h1 h2 h3 h4 h5 h6 li dt dd td th tr title div table ul ol dl blockquote section br".split())
    SKIPPED = frozenset(("script", "style", "head", "nav", "header", "footer", "aside"))

    def __init__(self):
        super().__init__()
        self.lines, self.current, self.skipped, self.verbatim = [], [], 0, 0

    def end_line(self):
        """Ends the line that is being gathered."""
        text = "".join(self.current)
        self.current = []
        if self.verbatim:
            self.lines += text.rstrip().split("\n")
        elif text.strip():
            self.lines.append(" ".join(text.split()))

    def handle_starttag(self, tag, attrs):
        if tag in self.BLOCKS or tag == "pre":
            self.end_line()
        self.skipped += tag in self.SKIPPED
        self.verbatim += tag == "pre"

    def handle_endtag(self, tag):
        if tag in self.BLOCKS or tag == "pre":
            self.end_line()
        self.skipped -= tag in self.SKIPPED and self.skipped > 0
        self.verbatim -= tag == "pre" and self.verbatim > 0

    def handle_data(self, data):
        if not self.skipped:
            self.current.append(data)

    @classmethod
    def of(cls, page):
        """Returns the lines of one page of HTML or XML."""
        parser = cls()
        parser.feed(page)
        parser.close()
        parser.end_line()
        return parser.lines


def read(files):
    """Returns the texts of files, in the order of their names, without those that aren't UTF-8."""
    found = []
    for file in sorted(file for file in files if file.is_file()):
        try:
            found.append(file.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            continue
    if not found:
        raise ValueError("a source without files: were all packages fetched?")
    return found


def pages(files):
    """Turns pages of HTML or XML into documents, without what many of them have in common."""
    parsed = [Lines.of(page) for page in read(files)]
    often = Counter(line for lines in parsed for line in set(lines) if line)
    limit = max(2, OFTEN * len(parsed))
    return ["\n".join(line for line in lines if often[line] <= limit) for lines in parsed]


VERSE = re.compile(r"^(\d?[A-Za-z]+)(\d+):(\d+) (.*)$")


def bible(root):
    """The King James Bible as Debian's `bible` program prints it: one document a chapter, one line a verse."""
    chapters, place = [], None
    printed = subprocess.run(
        [root / "usr/bin/bible", "-f", "-p", root / "usr/lib", "Gen1:1-Rev22:21"],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True,
    ).stdout
    for line in printed.splitlines():
        match = VERSE.match(line)
        if match:
            if match.group(1, 2) != place:
                place = match.group(1, 2)
                chapters.append("")
            chapters[-1] += match.group(4).strip() + "\n"
    return chapters


def addresses(files):
    """Speeches that are one line a paragraph or one line in all: an empty line between paragraphs."""
    return ["\n\n".join(line.strip() for line in text.splitlines() if line.strip()) for text in read(files)]


def jargon(file):
    """The Jargon File: its wrapped lines joined to paragraphs."""
    text = gzip.decompress(file.read_bytes()).decode("utf-8", "replace")
    return ["\n\n".join(" ".join(part.split()) for part in text.split("\n\n"))]


POD_CODE = re.compile(r"([BCEFILSXZ])<+\s?([^<>]*?)\s?>+")


def pod(files):
    """Perl's manual without the markup of its letters."""
    return [POD_CODE.sub(r"\2", text) for text in read(files)]


DATA = ("pydoc_data", "encodings", "_sysconfigdata", "lib2to3")
"""Modules of Python's library that are tables rather than code."""


def python(folder):
    """Python's library."""
    return read(file for file in folder.rglob("*.py") if not any(name in str(file) for name in DATA))


JAVA = re.compile(r"java\.base/java/(util|lang|io|nio|net|text|time|math)/.*\.java")
FIRST_COMMENT = re.compile(r"\A/\*.*?\*/\s*", re.DOTALL)


def java(archive):
    """Java's library, without the licence at the head of each file."""
    with zipfile.ZipFile(archive) as source:
        names = sorted(name for name in source.namelist() if JAVA.fullmatch(name))
        return [FIRST_COMMENT.sub("", source.read(name).decode()) for name in names]


def sources(root):
    """Returns {kind: [documents of a source, ...]}."""
    data = root / "@stdlib"
    share = root / "usr/share"

    def translated(code, country):
        return [
            pages((share / f"doc/debian-handbook/html/{code}-{country}").glob("*.html")),
            pages((share / f"help/{code}").rglob("*.page")),
            pages((share / "debian-reference").glob(f"*.{code}.html")),
            pages((share / f"libreoffice/help/{code}").rglob("*.html")),
        ]

    return {
        "prose": [
            addresses((data / "datasets-sotu@0.2.3/data").glob("*.txt")),
            addresses((data / "datasets-moby-dick@0.2.3/data").glob("*.txt")),
            bible(root),
            jargon(share / "doc/jargon-text/jargon.txt.gz"),
        ],
        "documentation": [
            pages((share / "doc/postgresql-doc-15/html").glob("*.html")),
            pages([*(share / "doc/sqlite3").rglob("*.html")]),
            pod((share / "perl").rglob("*.pod")),
            pages((share / "doc/debian-handbook/html/en-US").glob("*.html")),
        ],
        "code": [
            python(root / "usr/lib/python3.11"),
            java(root / "usr/lib/jvm/openjdk-17/lib/src.zip"),
        ],
        "german": translated("de", "DE"),
        "french": translated("fr", "FR"),
    }


def pieces(document):
    """Cuts a long document at ends of lines; returns the parts that are long enough."""
    parts, start = [], 0
    while len(document) - start > LONGEST:
        end = document.rfind("\n", start, start + LONGEST) + 1 or start + LONGEST
        parts.append(document[start:end])
        start = end
    parts.append(document[start:])
    return [part.strip() + "\n" for part in parts if len(part) >= SHORTEST]


def clean(document):
    """Lines without trailing blanks, at most one empty line on end, no other control characters."""
    lines = re.sub(r"[\x00-\x08\x0b-\x1f\x7f\ufeff]", "", document.expandtabs(4)).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(line.rstrip() for line in lines))


def draw(documents, limit, generator):
    """Takes documents in a random order until `limit` bytes are reached; returns (taken, left)."""
    order = list(documents)
    generator.shuffle(order)
    taken, size = [], 0
    while order and size < limit:
        taken.append(order.pop())
        size += len(taken[-1].encode())
    return taken, order


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True, help="folder that fetch.sh unpacked packages into")
    parser.add_argument("--out", type=Path, required=True, help="folder for train and heldout")
    parser.add_argument("--held-out", type=int, default=80_000, help="bytes of each kind kept out of training, about")
    parser.add_argument("--limit", type=int, default=8_000_000, help="bytes of each kind to train on, about")
    parser.add_argument("--seed", type=int, default=1611)
    options = parser.parse_args()
    for kind, found in sources(options.packages).items():
        generator = random.Random(options.seed)
        documents = [part for source in found for document in source for part in pieces(clean(document))]
        documents = list(dict.fromkeys(documents))
        held_out, rest = draw(documents, options.held_out, generator)
        train, left = draw(rest, options.limit, generator)
        for name, part in (("train", train), ("heldout", held_out)):
            file = options.out / name / f"{kind}.txt"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(SEPARATOR.join(part), encoding="utf-8")
            print(f"{name}/{kind}: {len(part)} documents, {sum(len(text.encode()) for text in part)} bytes")
        if left:
            print(f"{kind}: {len(left)} documents left over")


if __name__ == "__main__":
    main()
