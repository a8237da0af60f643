"""Holds Potstill's tokenizers of SentencePiece's kind to `tokenizers` and `transformers`: ids, tokens and offsets of every line.

    make parity ARGS=unigram                    # with POTSTILL_DATA and POTSTILL_MODELS
    python Tests/Reference/parity_unigram.py --potstill .build/release/potstill --data DIR
    python Tests/Reference/parity_unigram.py --potstill .build/release/potstill --fuzz 1000 --only unigram bytes

Vocabularies are trained here by `sentencepiece` and `tokenizers`. `--fuzz N` compares N random strings for each kind: `xlm`
(`transformers`' class over SentencePiece's rules nmt_nfkc and nfkc_cf), `unigram` (hard vocabularies), `trained` (by
`tokenizers`), `bytes` (fallback to bytes, all and some), `added` (added tokens), `rules` (every set of rules), and each normaliser
and pre-tokenizer by its name in unigram_material.py. `--scalars` adds every Unicode scalar in several neighbourhoods to the
normalisers and pre-tokenizers. The texts of DATA are compared with `xlm` and `trained`, and folders of MODELS whose
tokenizer.json has a Unigram model as `AutoTokenizer` reads them. Exits 1 and prints the first differences if there are any.
"""
import argparse
import functools
import glob
import json
import os
import sys
import tempfile

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

import unigram_material as material
from tokenizer_lines import compare, lines_of, random_strings

# What joins, splits or changes in company.
NEIGHBOURS = material.TRICKY + [
    "a\u0301", "\u0600", "\u06dd", "\u200d", "☺\u200d☺", "©\u200d", "\u094d", "क", "क्", "ᄀ", "ᅡ", "ᆨ", "가", "\U0001f1e6", "\u0300",
    "\u0903", "\r", "\n", "\r\n", "▁", "½", "ﾊ", "ﾟ", "\u0001", "\ufb01", "İ", "ß", "''", "``", "  ", "1", "٣", "a", "_", "'s", "'S", "\u017f"]


def strings(arguments, tokens, offset):
    return list(random_strings(arguments.fuzz, list(tokens) + NEIGHBOURS * 40, arguments.seed + offset, breaks=True))


@functools.cache
def neighbours(count, seed):
    """The random strings of all kinds that have no vocabulary: making them takes longer than reading them."""
    return list(random_strings(count, NEIGHBOURS * 41, seed + 10, breaks=True))


def scalars():
    for c in range(0x110000):
        if not 0xD800 <= c <= 0xDFFF:
            s = chr(c)
            yield f"{s}a{s}\u0301b {s}{s} \u0600{s}\u0300 क\u094d{s}\u0300 क{s}क\u0300 ☺{s}\u200d☺\u0300 ☺\u200d{s}\u0300 ᄀ{s}ᆨ\u0300 1{s}"


def from_folder(folder):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder).backend_tokenizer
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def trained():
    """A vocabulary by the trainer of `tokenizers`."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC(), normalizers.Replace(material.Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(material.SENTENCES * 4, trainers.UnigramTrainer(
        vocab_size=900, unk_token="<unk>", special_tokens=["<unk>", "<s>", "</s>"], show_progress=False))
    return material.framed(tokenizer, "<s>", "</s>")


def compare_xlm(potstill, arguments, corpus):
    wrong = 0
    for index, name in enumerate(("nmt_nfkc", "nfkc_cf", "identity")):
        model = material.model_bytes(normalization_rule_name=name)
        with tempfile.TemporaryDirectory() as folder:
            mask = {"content": "<mask>", "lstrip": True, "special": True, "__type": "AddedToken"}
            material.xlm_roberta(model, **({"mask_token": mask} if index == 0 else {})).save_pretrained(folder)
            tokenizer = from_folder(folder)
            files = {}
            for file in ("tokenizer.json", "tokenizer_config.json"):
                with open(os.path.join(folder, file)) as stream:
                    files[file] = json.load(stream)
        tokens = [t for t, _ in material.pieces(model)]
        for path, lines in corpus.items() if index == 0 else ():
            wrong += compare(potstill, tokenizer, lines, f"xlm {name} {os.path.basename(path)}", files)
        lines = strings(arguments, tokens, index)
        wrong += compare(potstill, tokenizer, lines, f"xlm {name} fuzz", files)
        half = lines[: len(lines) // 10]
        wrong += compare(potstill, tokenizer, half, f"xlm {name} pairs", files, pairs=half[::-1])
    return wrong


def kinds(arguments):
    """The kinds of tokenizers but for `xlm`: name, tokenizer, tokens for random strings."""
    for name, (vocabulary, unknown) in material.EDGES.items():
        yield "unigram", f"unigram {name}", material.unigram(vocabulary, unknown), [p for p, _ in vocabulary] * 20 + ["x", "学"] * 20
    tokenizer = trained()
    yield "trained", "trained", tokenizer, tokenizer.get_vocab()
    model = material.model_bytes()
    pieces = material.pieces(model)
    for name, tokens in (("bytes", material.BYTES), ("bytes some", material.BYTES[:180])):
        vocabulary = pieces[:3] + tokens + pieces[3:]
        yield "bytes", name, material.unigram(vocabulary, 0, True, normalizers.Nmt(), pre_tokenizers.Metaspace("▁", "first")), [
            p for p, _ in pieces]
    chains = [(None, pre_tokenizers.Metaspace("▁", "first")), (normalizers.NFKC(), material.PRE_TOKENIZERS["xlm"]),
              (normalizers.Sequence([normalizers.Lowercase(), normalizers.Prepend("x ")]), material.PRE_TOKENIZERS["many"]),
              (normalizers.Precompiled(material.rules_of(model)), pre_tokenizers.Metaspace())]
    contents = [t.content for t in material.ADDED]
    for index, (normalizer, pre_tokenizer) in enumerate(chains):
        tokenizer = material.add(material.unigram(pieces, 0, False, normalizer, pre_tokenizer))
        yield "added", f"added {index}", tokenizer, contents * 60 + [" " + t for t in contents] * 20 + [t + "  " for t in contents] * 20
    for name in ("nmt_nfkc", "nmt_nfkc_cf", "nfkc", "nfkc_cf"):
        rules = normalizers.Precompiled(material.rules_of(material.model_bytes(normalization_rule_name=name)))
        yield "rules", f"rules {name}", material.bare(rules), NEIGHBOURS
    small = normalizers.Precompiled(material.rules_of(material.model_bytes(rules=material.SMALL_RULES)))
    yield "rules", "rules small", material.bare(small), [side for rule in material.SMALL_RULES for side in rule] * 10
    for name, normalizer in material.NORMALIZERS.items():
        yield name, f"normalizer {name}", material.bare(normalizer), NEIGHBOURS
    for name, pre_tokenizer in material.PRE_TOKENIZERS.items():
        yield name, f"pre_tokenizer {name}", material.bare(pre_tokenizer=pre_tokenizer), NEIGHBOURS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", default=".build/release/potstill")
    parser.add_argument("--data")
    parser.add_argument("--models")
    parser.add_argument("--fuzz", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scalars", action="store_true")
    parser.add_argument("--only", nargs="*", help="the kinds to compare, all without it")
    arguments = parser.parse_args()
    potstill = arguments.potstill.split()
    names = glob.glob(os.path.join(arguments.data or "", "**"), recursive=True) if arguments.data else []
    corpus = {n: lines_of(n) for n in sorted(names) if os.path.isfile(n) and n.endswith((".txt", ".tsv"))}
    wrong = 0
    if not arguments.only or "xlm" in arguments.only:
        wrong += compare_xlm(potstill, arguments, corpus)
    for index, (kind, name, tokenizer, tokens) in enumerate(kinds(arguments)):
        if arguments.only and kind not in arguments.only:
            continue
        if kind == "trained":
            for path, lines in corpus.items():
                wrong += compare(potstill, tokenizer, lines, f"{name} {os.path.basename(path)}")
        lines = strings(arguments, tokens, 10 + index) if tokens is not NEIGHBOURS else neighbours(arguments.fuzz, arguments.seed)
        wrong += compare(potstill, tokenizer, lines, f"{name} fuzz")
        if arguments.scalars and kind in {**material.NORMALIZERS, **material.PRE_TOKENIZERS, "rules": None}:
            wrong += compare(potstill, tokenizer, list(scalars()), f"{name} scalars")
    for path in sorted(glob.glob(os.path.join(arguments.models or "", "*/tokenizer.json"))) if arguments.models else []:
        with open(path, encoding="utf-8") as file:
            if json.load(file)["model"].get("type") != "Unigram":
                continue
        folder = os.path.dirname(path)
        files = {n: os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".json")}
        for text, lines in list(corpus.items())[:3]:
            wrong += compare(potstill, from_folder(folder), lines[:5000], f"{path} {os.path.basename(text)}", files)
    print(f"{wrong} different lines in all")
    sys.exit(1 if wrong else 0)


main()
