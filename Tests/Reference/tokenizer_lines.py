"""Texts to compare tokenizers on, and the comparison of `potstill tokenize` with Hugging Face `tokenizers`, line by line."""
import json
import os
import random
import subprocess
import sys
import tempfile
import time


def compare(potstill, tokenizer, lines, name, legacy=None, pairs=None):
    """Runs both over the lines and returns the number of different lines.

    `legacy` holds the files of the folder instead of a tokenizer.json: paths, or objects to write.
    """
    started = time.time()
    with tempfile.TemporaryDirectory() as folder:
        if legacy is None:
            tokenizer.save(os.path.join(folder, "tokenizer.json"))
        for file_name, content in (legacy or {}).items():
            if isinstance(content, str):
                os.symlink(os.path.abspath(content), os.path.join(folder, file_name))
                continue
            with open(os.path.join(folder, file_name), "w") as file:
                json.dump(content, file)
        plain = pairs is None and not any("\n" in line or line.endswith("\r") for line in lines)
        path = os.path.join(folder, "input.txt" if plain else "input.jsonl")
        with open(path, "w", encoding="utf-8", newline="\n") as file:
            if plain:
                file.writelines(line + "\n" for line in lines)
            elif pairs is None:
                file.writelines(json.dumps({"text": line}) + "\n" for line in lines)
            else:
                file.writelines(json.dumps({"text": a, "text_pair": b}) + "\n" for a, b in zip(lines, pairs))
        process = subprocess.Popen([*potstill, "tokenize", "--model", folder, "--input", path, "--json"],
                                   stdout=subprocess.PIPE, text=True, encoding="utf-8")
        wrong = 0
        for start in range(0, len(lines), 2000):
            chunk = lines[start:start + 2000]
            inputs = chunk if pairs is None else list(zip(chunk, pairs[start:start + 2000]))
            for line, expected in zip(inputs, tokenizer.encode_batch(inputs)):
                answer = process.stdout.readline()
                if not answer:
                    print(f"{name}: no answer for {line!r}", file=sys.stderr)
                    process.kill()
                    return wrong + 1
                found = json.loads(answer)
                same = (found["ids"] == expected.ids and found["tokens"] == expected.tokens
                        and [tuple(o) for o in found["offsets"]] == expected.offsets)
                if not same:
                    wrong += 1
                    if wrong <= 3:
                        print(f"{name}: {line!r}\n  {[hex(ord(c)) for c in str(line)][:40]}", file=sys.stderr)
                        for key, value in (("ids", expected.ids), ("tokens", expected.tokens),
                                           ("offsets", [list(o) for o in expected.offsets])):
                            if found[key] != value:
                                print(f"  {key}: found    {found[key]}\n  {key}: expected {value}", file=sys.stderr)
        rest = process.stdout.read()
        if process.wait() or rest:
            print(f"{name}: exit {process.returncode}, {len(rest)} characters too many", file=sys.stderr)
            wrong += 1
    print(f"{name}: {len(lines)} lines, {sum(len(l.encode()) for l in lines) / 1e6:.1f} MB, {wrong} different, "
          f"{time.time() - started:.0f} s", flush=True)
    return wrong


# --- corpora -----------------------------------------------------------------------------------------------------

def strings(value):
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from strings(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from strings(item)


def lines_of(path):
    """The lines of a text file, or all strings of a JSON file; a file of one character a line (BIO) gives sentences."""
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    if path.endswith(".json"):
        return [part for s in strings(json.loads(text)) for part in s.split("\n")]
    if path.endswith("_bio"):
        return ["".join(line.split("\t")[0] for line in block.split("\n")) for block in text.split("\n\n")]
    return text.split("\n")


# --- random text -------------------------------------------------------------------------------------------------

INTERESTING = (
    [chr(c) for c in range(0x00, 0x0A)] + [chr(c) for c in range(0x0B, 0x30)] + list("aZ[]#'’.,-_")
    + [chr(c) for c in (0x85, 0xA0, 0xAD, 0x130, 0x131, 0x1E9E, 0xDF, 0x3A3, 0x3C2, 0x345, 0x344, 0xF73, 0xF81, 0x1D15E,
                        0x1D160, 0x302A, 0x302E, 0x302F, 0x3099, 0x200B, 0x200D, 0xFE0F, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF,
                        0x2028, 0x2029, 0x3000, 0x37E, 0x387, 0x1FEF, 0x2000, 0x2126, 0x212A, 0x2260, 0xF900, 0xFA0E,
                        0x2F800, 0x2B81E, 0x2B820, 0x2CEB0, 0x1100, 0x1161, 0x11A8, 0xAC00, 0xAC01, 0xD7A3, 0x1F923,
                        0x1F468, 0x1F3FD, 0xE0020, 0x10FFFF, 0xE000, 0x16FF0, 0x11935, 0x1611E, 0x180E, 0x61C)])
BLOCKS = [(0x20, 0x7E), (0xA0, 0x24F), (0x300, 0x36F), (0x370, 0x52F), (0x590, 0x7FF), (0x900, 0xDFF), (0xE00, 0xFFF),
          (0x1100, 0x11FF), (0x1AB0, 0x1AFF), (0x1DC0, 0x20FF), (0x2100, 0x2BFF), (0x3000, 0x30FF), (0x3400, 0x9FFF),
          (0xAC00, 0xD7A3), (0xF900, 0xFFFF), (0x10000, 0x11FFF), (0x16A00, 0x16FFF), (0x1B000, 0x1D2FF),
          (0x1E000, 0x1FAFF), (0x20000, 0x323AF), (0xE0000, 0xE01EF)]


def random_strings(count, tokens, seed, breaks=False):
    """Mixtures of vocabulary pieces, interesting characters, blocks and the whole code space; on one line each without `breaks`."""
    pick = random.Random(seed)
    words = [t[2:] if t.startswith("##") else t for t in tokens]

    def scalar():
        kind = pick.random()
        if kind < 0.35:
            return pick.choice(INTERESTING)
        if kind < 0.9:
            return chr(pick.randint(*pick.choice(BLOCKS)))
        c = pick.randint(0, 0x10FFFF)
        return chr(c) if not 0xD800 <= c <= 0xDFFF else "x"

    def piece():
        kind = pick.random()
        if kind < 0.3:
            return pick.choice(words)
        if kind < 0.4:
            return pick.choice(words).upper()
        if kind < 0.5:
            return " "
        if kind < 0.505:
            return pick.choice("abcé字") * pick.choice((99, 100, 101, 250))
        return "".join(scalar() for _ in range(pick.randint(1, 6)))

    for _ in range(count):
        line = "".join(piece() for _ in range(pick.randint(1, 12)))
        yield line if breaks else line.replace("\n", " ").rstrip("\r")
