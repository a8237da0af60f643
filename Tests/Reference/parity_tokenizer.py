"""Holds Potstill's tokenizer to Hugging Face `tokenizers`: ids, tokens and offsets of every line must be identical.

    make parity ARGS=tokenizer                  # with POTSTILL_DATA and POTSTILL_MODELS
    python Tests/Reference/parity_tokenizer.py --potstill .build/release/potstill --data DIR --models DIR
    python Tests/Reference/parity_tokenizer.py --vocab uncased:vocab.txt --corpus a.txt b.json --fuzz 1000 --scalars 0

    python Tests/Reference/parity_tokenizer.py --bpe vocab.json:merges.txt --corpus a.txt

The vocabularies are those given, or all of DATA/vocab (WordPiece `*vocab.txt`, byte-level BPE `NAME-vocab.json` with
`NAME-merges.txt`); the texts are those given, or all of DATA. `--fuzz N` compares N random strings with WordPiece, a part of
them with added tokens under all combinations of the normaliser's flags, and N with byte-level BPE, under all combinations of
its flags and post-processors, single and in pairs; `--scalars K` compares every Unicode scalar (alone, inside a word, doubled,
among combining marks) under K of the 16 combinations, and with BPE. Folders of
MODELS with a tokenizer.json are read as they are. The Unicode tables of both sides are the same by construction
(unicode_tables.py), so no difference is excused; unicode_differences.txt lists the code points in which both depart from
Unicode 14. Exits 1 and prints the first differences if there are any.
"""
import argparse
import glob
import itertools
import os
import sys

from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

from tokenizer_lines import compare, lines_of, random_strings


def bert(vocabulary, clean=True, chinese=True, accents=None, lowercase=True, added=()):
    tokenizer = Tokenizer(models.WordPiece.from_file(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(clean, chinese, accents, lowercase)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.add_special_tokens([t for t in ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
                                  if tokenizer.token_to_id(t) is not None])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[(t, tokenizer.token_to_id(t)) for t in ("[CLS]", "[SEP]")])
    if added:
        tokenizer.add_tokens(list(added))
    return tokenizer


POSTS = ("roberta", "bytelevel", "template", "sequence", "none")


def byte_level(files, prefix=False, trim=True, regex=True, post="roberta", asif=None, added=()):
    """A byte-level BPE tokenizer; by default what RoBERTa's class makes of the two files."""
    tokenizer = Tokenizer(models.BPE.from_file(*files))
    asif = prefix if asif is None else asif
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix, trim_offsets=trim, use_regex=regex)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, normalized=False)])
    ends = [(t, tokenizer.token_to_id(t)) for t in ("</s>", "<s>")]
    trimming = processors.ByteLevel(add_prefix_space=asif, trim_offsets=trim)
    template = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> $B:1 </s>:1", special_tokens=ends)
    if post != "none":
        tokenizer.post_processor = {
            "roberta": processors.RobertaProcessing(*ends, trim_offsets=trim, add_prefix_space=asif),
            "bytelevel": trimming, "template": template,
            "sequence": processors.Sequence([trimming, template])}[post]
    if added:
        tokenizer.add_tokens(list(added))
    return tokenizer


def scalar_strings():
    for c in range(0x110000):
        if 0xD800 <= c <= 0xDFFF or c == 0x0A:
            continue
        s = chr(c)
        yield f"{s} a{s}b {s}{s} e\u0301{s}\u0323x \u0f71{s}"


# --- main --------------------------------------------------------------------------------------------------------

def vocabularies(arguments):
    if arguments.vocab:
        return [item.split(":", 1) for item in arguments.vocab]
    found = sorted(glob.glob(os.path.join(arguments.data or ".", "vocab", "*vocab.txt")))
    return [("cased" if "-cased" in path else "uncased", path) for path in found]


def texts(arguments):
    if arguments.corpus or not arguments.data:
        return arguments.corpus
    names = glob.glob(os.path.join(arguments.data, "**"), recursive=True)
    return sorted(n for n in names if os.path.isfile(n) and "/vocab/" not in n and not n.endswith(".md"))


def compare_flags(potstill, vocabulary, arguments):
    _, path = vocabulary
    wrong = 0
    flags = list(itertools.product((True, False), (True, False), (None, True, False), (True, False)))
    if arguments.scalars:
        lines = list(scalar_strings())
        # First those that exercise most: stripping and lowering with cleaning, then without, then parts.
        resolved = [f for f in flags if f[2] is not None]
        order = sorted(resolved, key=lambda f: resolved.index(f) % 5)
        for clean, chinese, accents, lowercase in order[:arguments.scalars]:
            tokenizer = bert(path, clean, chinese, accents, lowercase)
            wrong += compare(potstill, tokenizer, lines,
                             f"scalars clean={clean} chinese={chinese} accents={accents} lowercase={lowercase}")
    if arguments.fuzz:
        added = [AddedToken("São", single_word=True), AddedToken("[x]", lstrip=True, rstrip=True, normalized=False),
                 AddedToken("[xy]", normalized=False, rstrip=True), AddedToken("İx", lstrip=True), AddedToken("字"),
                 AddedToken("the", single_word=True, normalized=False)]
        contents = [t.content for t in added]
        for index, (clean, chinese, accents, lowercase) in enumerate(flags):
            tokenizer = bert(path, clean, chinese, accents, lowercase, added)
            tokens = list(tokenizer.get_vocab()) + contents * 2000 + [" " + t for t in contents] * 1000
            lines = list(random_strings(arguments.fuzz // 40, tokens, arguments.seed + 1 + index))
            wrong += compare(potstill, tokenizer, lines,
                             f"added clean={clean} chinese={chinese} accents={accents} lowercase={lowercase}")
    return wrong


def byte_level_files(arguments):
    if arguments.bpe:
        return [tuple(item.split(":", 1)) for item in arguments.bpe]
    found = sorted(glob.glob(os.path.join(arguments.data or ".", "vocab", "*vocab.json")))
    return [(path, path.removesuffix("vocab.json") + "merges.txt") for path in found]


def compare_byte_level(potstill, files, corpus, arguments):
    wrong = 0
    name = os.path.basename(files[0])
    tokenizer = byte_level(files)
    for file, lines in corpus.items():
        wrong += compare(potstill, tokenizer, lines, f"{name} {os.path.basename(file)}")
    if arguments.scalars:
        # The class of every scalar shows in what it joins: letters, numbers, others, white space, spaces.
        lines = [f"{chr(c)} a{chr(c)}b {chr(c)}{chr(c)} 1{chr(c)} !{chr(c)}  {chr(c)}x  {chr(c)}."
                 for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF and c != 0x0A]
        wrong += compare(potstill, tokenizer, lines, f"{name} scalars")
    if not arguments.fuzz:
        return wrong
    # Vocabulary pieces as text: the byte-level alphabet read back, where it is UTF-8.
    alphabet = {c: b for b, c in enumerate(BYTE_CHARACTERS)}
    raw = [bytes(alphabet[c] for c in t) for t in tokenizer.get_vocab() if all(c in alphabet for c in t)]
    tokens = [t.decode() for t in raw if t.decode(errors="ignore").encode() == t]
    extra = ["'s", "'ll", "'LL", "don't", " '", "  ", "   ", "\t", "\r", "\u00a0", " \u3000", "'", "\u2019s"] * 300
    special = ["<mask>", " <mask>", "\u3000 <mask> ", "<s>", "</s>", "<mask"] * 200
    lines = list(random_strings(arguments.fuzz // 4, tokens + extra + special, arguments.seed + 50))
    legacy = {"vocab.json": files[0], "merges.txt": files[1], "tokenizer_config.json": {"model_max_length": 512}}
    wrong += compare(potstill, tokenizer, lines, f"{name} (vocab.json) fuzz", legacy)
    added = [AddedToken("São", single_word=True), AddedToken("[x]", lstrip=True, rstrip=True, normalized=False),
             AddedToken("[xy]", normalized=False, rstrip=True), AddedToken("İx", lstrip=True), AddedToken("字"),
             AddedToken("the", single_word=True, normalized=False), AddedToken("\u0120q"), AddedToken("w w", rstrip=True)]
    contents = [t.content for t in added]
    flags = list(itertools.product((False, True), (False, True), (False, True), POSTS))
    tokens += extra + special + contents * 500 + [" " + t for t in contents] * 200 + [t + "  " for t in contents] * 200
    for index, (prefix, trim, asif, post) in enumerate(flags):
        regex = index % 3 != 1
        tokenizer = byte_level(files, prefix, trim, regex, post, asif, added)
        lines = list(random_strings(arguments.fuzz * 3 // 4 // len(flags), tokens, arguments.seed + 100 + index))
        half = len(lines) // 2
        title = f"{name} added prefix={prefix} trim={trim} asif={asif} regex={regex} {post}"
        wrong += compare(potstill, tokenizer, lines[half:], title)
        wrong += compare(potstill, tokenizer, lines[:half], title + " pairs", pairs=lines[:half][::-1])
    return wrong


# Byte-level vocabularies write a byte as a character that prints: itself, or one from U+0100 on, in order.
PRINTING = [b for b in range(256) if 0x21 <= b <= 0x7E or 0xA1 <= b <= 0xAC or b >= 0xAE]
OTHERS = [b for b in range(256) if b not in PRINTING]
BYTE_CHARACTERS = [chr(b) if b in PRINTING else chr(0x100 + OTHERS.index(b)) for b in range(256)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potstill", default=".build/release/potstill")
    parser.add_argument("--data")
    parser.add_argument("--models")
    parser.add_argument("--vocab", action="append", help="cased:FILE or uncased:FILE, repeatable")
    parser.add_argument("--bpe", action="append", help="VOCAB.JSON:MERGES.TXT, repeatable")
    parser.add_argument("--corpus", nargs="*", default=[])
    parser.add_argument("--fuzz", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scalars", type=int, default=4)
    arguments = parser.parse_args()
    potstill = arguments.potstill.split()
    pairs_of_files = [] if arguments.vocab and not arguments.bpe else byte_level_files(arguments)
    vocabulary_files = [] if arguments.bpe and not arguments.vocab else vocabularies(arguments)
    if not vocabulary_files and not pairs_of_files:
        parser.error("no vocabulary: give --vocab uncased:vocab.txt or --bpe vocab.json:merges.txt, or --data with a "
                     "folder vocab/ in it")
    wrong = 0
    corpus = {path: lines_of(path) for path in texts(arguments)}
    for files in pairs_of_files:
        wrong += compare_byte_level(potstill, files, corpus, arguments)
    for kind, path in vocabulary_files:
        name = os.path.basename(path)
        tokenizer = bert(path, lowercase=kind == "uncased")
        legacy = {"vocab.txt": path, "tokenizer_config.json": {"do_lower_case": kind == "uncased"}}
        for file, lines in corpus.items():
            wrong += compare(potstill, tokenizer, lines, f"{name} {os.path.basename(file)}")
        tokens = list(tokenizer.get_vocab())
        if arguments.fuzz:
            lines = list(random_strings(arguments.fuzz // len(vocabulary_files), tokens, arguments.seed))
            wrong += compare(potstill, tokenizer, lines, f"{name} (vocab.txt) fuzz", legacy)
    for model in sorted(glob.glob(os.path.join(arguments.models or "", "*/tokenizer.json"))) if arguments.models else []:
        tokenizer = Tokenizer.from_file(model)
        tokenizer.no_truncation()
        tokenizer.no_padding()
        for file, lines in list(corpus.items())[:3]:
            wrong += compare(potstill, tokenizer, lines[:5000], f"{model} {os.path.basename(file)}")
    if vocabulary_files:
        wrong += compare_flags(potstill, vocabulary_files[0], arguments)
    print(f"{wrong} different lines in all")
    sys.exit(1 if wrong else 0)


main()
