"""Checks that `potstill vocab --type bpe` and `--type unigram` learn what `tokenizers` learns.

Byte-level BPE leaves nothing to chance: tokens, ids and merges must be the same. Unigram training sums in the order of a randomly
seeded hash table: the log-likelihood of held-out text may be no worse than 0.1 % (it is as a rule equal to nine digits), and the
pieces that differ are counted. Each learnt folder must load with AutoTokenizer and give the ids that Potstill gives. Prints
times, too.
"""
import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer

from tokenizer_lines import compare, lines_of, random_strings

XLMR = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]


def byte_level(lines, **options):
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.train_from_iterator(lines, trainers.BpeTrainer(
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), special_tokens=XLMR, show_progress=False, **options))
    return tokenizer


def unigram(lines, **options):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(lines, trainers.UnigramTrainer(
        special_tokens=XLMR, unk_token="<unk>", show_progress=False, **options))
    return tokenizer


def likelihood(pieces, tokenizer, lines):
    """The mean over characters of the score of the best cut."""
    scores = dict(pieces)
    least = min(scores.values()) - 10
    total = characters = 0
    for encoding, line in zip(tokenizer.encode_batch(lines, add_special_tokens=False), lines):
        total += sum(scores.get(token, least) for token in encoding.tokens)
        characters += len(line)
    return total / characters


def learn(potstill, folder, files, *options):
    start = time.perf_counter()
    done = subprocess.run([potstill, "vocab", "--output", str(folder), "--quiet", *options, "--input", *files], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"potstill vocab: {done.stderr}")
    return json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))["model"], time.perf_counter() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--potstill", required=True)
    parser.add_argument("--models")
    parser.add_argument("--data", type=Path, required=True)
    arguments = parser.parse_args()
    wrong = 0
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        english = lines_of(str(arguments.data / "wikitext2" / "train.txt"))
        chinese = lines_of(str(arguments.data / "msra-ner" / "msra_train_bio"))
        held = [line for line in lines_of(str(arguments.data / "wikitext2" / "valid.txt")) + lines_of(str(arguments.data / "msra-ner" / "msra_test_bio"))
                if line.strip()][:4000]
        corpora = {"english": english, "chinese": chinese[:12000], "both": english[:10000] + chinese[:8000]}
        files = {}
        for corpus, lines in corpora.items():
            corpora[corpus] = lines = [line.replace("\r", " ") for line in lines]
            files[corpus] = str(place / f"{corpus}.txt")
            Path(files[corpus]).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        for corpus, size, least in [("english", 30522, 2), ("chinese", 20000, 2), ("both", 8000, 5)]:
            start = time.perf_counter()
            theirs = json.loads(byte_level(corpora[corpus], vocab_size=size, min_frequency=least).to_str())["model"]
            seconds = time.perf_counter() - start
            ours, own = learn(arguments.potstill, place / f"bpe-{corpus}", [files[corpus]], "--type", "bpe", f"--vocab-size={size}",
                              f"--min-frequency={least}")
            same = ours["vocab"] == theirs["vocab"] and [list(m) if not isinstance(m, str) else m.split(" ") for m in ours["merges"]] == theirs["merges"]
            wrong += not same
            print(f"{'ok  ' if same else 'FAIL'} bpe {corpus} {size}: {len(theirs['vocab'])} tokens; {own:.2f} s, tokenizers {seconds:.2f} s", flush=True)
        for corpus, size in [("english", 16000), ("chinese", 8000), ("both", 12000)]:
            start = time.perf_counter()
            reference = unigram(corpora[corpus], vocab_size=size)
            seconds = time.perf_counter() - start
            theirs = json.loads(reference.to_str())["model"]["vocab"]
            folder = place / f"unigram-{corpus}"
            ours, own = learn(arguments.potstill, folder, [files[corpus]], "--type", "unigram", f"--vocab-size={size}")
            tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
            a, b = likelihood(ours["vocab"], tokenizer, held), likelihood(theirs, reference, held)
            apart = len({p for p, _ in ours["vocab"]} ^ {p for p, _ in theirs})
            good = a >= b * 1.001 and len(ours["vocab"]) == len(theirs)
            wrong += not good
            print(f"{'ok  ' if good else 'FAIL'} unigram {corpus} {size}: log-likelihood a character {a:.9f}, tokenizers {b:.9f}; "
                  f"{apart} pieces differ of {len(theirs)}; {own:.2f} s, tokenizers {seconds:.2f} s", flush=True)
            lines = held[:1000] + [t.replace("\r", " ") for t in random_strings(2000, [p.replace("▁", " ") for p, _ in theirs], 3)]
            wrong += compare([arguments.potstill], tokenizer, lines, f"unigram {corpus} by AutoTokenizer",
                             {f: str(folder / f) for f in ("tokenizer.json", "tokenizer_config.json")})
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
