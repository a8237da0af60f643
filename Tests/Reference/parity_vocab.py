"""Checks that `potstill vocab` learns the WordPiece vocabulary that `tokenizers` learns.

`tokenizers` leaves two things to a randomly seeded hash table: which of equally frequent characters stay at the limit of the
alphabet, and the number, hence the order in ties, of the characters that continue words. Its own vocabularies differ
from process to process by a few rare pieces. So each setting is checked twice:

- with these two taken over from its vocabulary (`--ties-of`), every token must be the same, in the same order;
- without, special tokens, characters, and their numbers must be the same wherever chance does not decide, and the pieces
  learnt must differ about as much as two runs of `tokenizers` do (up to three times that and 5: one pair of runs is a
  small sample).

Each learnt folder must load with AutoTokenizer and give the ids of the tokenizer that learnt it. Prints times, too.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import Tokenizer
from transformers import AutoTokenizer

SPECIALS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]

# Each: corpus, options of BertWordPieceTokenizer.train, options of the tokenizer, the same for potstill.
SETTINGS = [
    ("english", dict(vocab_size=30522), {}, []),
    ("english", dict(vocab_size=8000, min_frequency=5, limit_alphabet=60), {}, []),
    ("english", dict(vocab_size=12000, limit_alphabet=100000), dict(lowercase=False), ["--cased"]),
    ("english", dict(vocab_size=5000, special_tokens=SPECIALS + ["[E1]", "<x>"], initial_alphabet=["é", "北", "q"]),
     dict(lowercase=False, strip_accents=True),
     ["--cased", "--strip-accents", "--initial-alphabet", "é北q", "--special-tokens", *SPECIALS, "[E1]", "<x>"]),
    ("english", dict(vocab_size=6000, wordpieces_prefix="@@"), dict(wordpieces_prefix="@@"), ["--wordpieces-prefix", "@@"]),
    ("chinese", dict(vocab_size=21128), {}, []),
    ("chinese", dict(vocab_size=21128, limit_alphabet=10000, min_frequency=1), {}, []),
    ("chinese", dict(vocab_size=20000, limit_alphabet=4000), dict(handle_chinese_chars=False), ["--no-handle-chinese-chars"]),
    ("chinese", dict(vocab_size=9000, limit_alphabet=5000), dict(clean_text=False, lowercase=False),
     ["--cased", "--no-clean-text"]),
]

TRAINER = """
import json, sys, time
from tokenizers import BertWordPieceTokenizer
files, train, options, output = json.loads(sys.argv[1])
tokenizer = BertWordPieceTokenizer(**options)
start = time.perf_counter()
tokenizer.train(files, show_progress=False, **train)
seconds = time.perf_counter() - start
tokenizer.save_model(output)
tokenizer.save(output + "/tokenizer.json")
print(seconds)
"""


def reference(files, train, options, folder):
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", TRAINER, json.dumps([files, train, options, str(folder)])], capture_output=True, text=True,
        check=True, env={**os.environ, "TOKENIZERS_PARALLELISM": "true"})
    return tokens(folder), float(done.stdout)


def tokens(folder):
    return (folder / "vocab.txt").read_text(encoding="utf-8").split("\n")[:-1]


def corpora(data, folder):
    english = [str(data / "wikitext2" / name) for name in ("train.txt", "valid.txt")]
    squad = json.loads((data / "cmrc2018" / "cmrc2018_train.json").read_text(encoding="utf-8"))["data"]
    contexts = [paragraph["context"] for article in squad for paragraph in article["paragraphs"]]
    sentences = (data / "msra-ner" / "msra_train_bio").read_text(encoding="utf-8").split("\n\n")
    lines = ["".join(line.split("\t")[0] for line in sentence.splitlines()) for sentence in sentences]
    (folder / "cmrc.txt").write_text("\n".join(contexts) + "\n", encoding="utf-8")
    (folder / "msra.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {"english": english, "chinese": [str(folder / "cmrc.txt"), str(folder / "msra.txt")]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potstill", required=True)
    parser.add_argument("--models")
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    failures = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        texts = corpora(arguments.data, folder)
        for number, (corpus, train, options, flags) in enumerate(SETTINGS):
            files = texts[corpus]

            def ours(output, *more):
                own = [f"--{key.replace('_', '-')}={value}" for key, value in train.items()
                       if key in ("vocab_size", "min_frequency", "limit_alphabet")]
                start = time.perf_counter()
                done = subprocess.run(
                    [arguments.potstill, "vocab", "--output", str(output), "--quiet", *own, *flags, *more,
                     "--input", *files], capture_output=True, text=True)
                if done.returncode:
                    sys.exit(f"potstill vocab: {done.stderr}")
                return tokens(output), time.perf_counter() - start

            first, seconds = reference(files, train, options, folder / f"{number}a")
            second, _ = reference(files, train, options, folder / f"{number}b")
            tied, _ = ours(folder / f"{number}c", "--ties-of", str(folder / f"{number}a" / "vocab.txt"))
            free, own_seconds = ours(folder / f"{number}d")

            faults = []
            if tied != first:
                place = next((i for i, (a, b) in enumerate(zip(tied, first)) if a != b), min(len(tied), len(first)))
                faults.append(f"with its ties token {place} is {tied[place:place + 3]}, expected {first[place:place + 3]}")
            # A text that runs out of pairs gives as many tokens as the characters that chance kept have pairs.
            if len(free) != len(first) and len(first) == train["vocab_size"]:
                faults.append(f"{len(free)} tokens, expected {len(first)}")
            prefix = options.get("wordpieces_prefix", "##")
            specials = train.get("special_tokens", SPECIALS)
            head = len(specials)

            def characters(vocabulary):
                end = head
                while end < len(vocabulary) and len(vocabulary[end]) == 1:
                    end += 1
                return vocabulary[head:end], {t for t in vocabulary[end:] if t.startswith(prefix) and len(t) == len(prefix) + 1}

            (alphabet, continuing), (expected, expected_continuing) = characters(free), characters(first)
            chance = len(set(expected) ^ set(characters(second)[0]))
            if free[:head] != first[:head] or sorted(alphabet) != alphabet:
                faults.append("special tokens or the order of characters differ")
            if chance == 0 and (alphabet != expected or continuing != expected_continuing):
                faults.append("characters differ")
            apart, theirs = len(set(free) - set(first)), len(set(second) - set(first))
            if apart > 3 * theirs + 5:
                faults.append(f"{apart} tokens differ, and only {theirs} between two runs of tokenizers")
            slow = AutoTokenizer.from_pretrained(folder / f"{number}c")
            lines = [line for line in Path(files[0]).read_text(encoding="utf-8").split("\n") if line.strip()][:500]
            learnt = Tokenizer.from_file(str(folder / f"{number}a" / "tokenizer.json"))
            if slow(lines, add_special_tokens=False)["input_ids"] != [
                    e.ids for e in learnt.encode_batch(lines, add_special_tokens=False)]:
                faults.append("AutoTokenizer gives other ids than the tokenizer of tokenizers")
            if slow.all_special_ids and sorted(slow.get_added_vocab()) != sorted(specials):
                faults.append(f"added tokens are {sorted(slow.get_added_vocab())}, expected {sorted(specials)}")
            failures += bool(faults)
            print(f"{'FAIL' if faults else 'ok  '} {corpus} {train} {options}: {len(first)} tokens, equal in order with its ties; "
                  f"else {apart} differ ({theirs} between two of its runs); {own_seconds:.2f} s, tokenizers {seconds:.2f} s"
                  f" ({seconds / own_seconds:.1f} times)")
            for fault in faults:
                print(f"     {fault}")
    sys.exit(failures > 0)


if __name__ == "__main__":
    main()
