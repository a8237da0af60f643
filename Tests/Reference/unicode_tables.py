"""Reads the Unicode tables that Hugging Face `tokenizers` was built with out of its behaviour, one code point at a time.

`tokenizers` mixes tables of several Unicode versions (categories of its `unicode_categories` crate, decompositions of
another, white space and lower case of the Rust standard library). Potstill follows it code point by code point, so the
tables are taken from the library itself and do not depend on the Unicode version of the machine:

    python Tests/Reference/unicode_tables.py            # writes the Swift file and unicode_differences.txt

Made with tokenizers 0.23.3. Needs no network.
"""
import os
import struct
import sys
import unicodedata

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "../../Sources/Tokenization/Normalization")
DIFFERENCES = os.path.join(HERE, "unicode_differences.txt")

clean = normalizers.BertNormalizer(True, False, False, False)
chinese = normalizers.BertNormalizer(False, True, False, False)
strip = normalizers.BertNormalizer(False, False, True, False)
lower = normalizers.Lowercase()
nfd = normalizers.NFD()
split = pre_tokenizers.BertPreTokenizer()

SCALARS = [c for c in range(0x110000) if not 0xD800 <= c <= 0xDFFF]


def representatives():
    """One combining mark for each combining class, in ascending order of class."""
    found = {}
    for c in SCALARS:
        value = unicodedata.combining(chr(c))
        if not value or value in found or nfd.normalize_str(chr(c)) != chr(c):
            continue
        known = c == 0x345 or nfd.normalize_str("a\u0345" + chr(c)) != "a\u0345" + chr(c)
        if known:  # and not a mark that is newer than the table
            found[value] = chr(c)
    return sorted(found.items())


def combining_class(c, marks):
    """The class of a scalar that decomposes to itself, found by watching it being reordered."""
    s = chr(c)
    if nfd.normalize_str("a\u0345" + s) == "a\u0345" + s and s != "\u0345":
        return 0
    low = 0  # the largest class that is not above ours
    for value, mark in marks:
        if nfd.normalize_str("a" + s + mark) == "a" + s + mark:
            before = nfd.normalize_str("a" + mark + s) == "a" + mark + s
            return value if before else low
        low = value
    return low


def measure():
    marks = representatives()
    data = {name: [] for name in ("control", "white", "punctuation", "chinese", "mark")}
    decomposition, lowercase, classes = {}, {}, {}
    for c in SCALARS:
        s = chr(c)
        cleaned = clean.normalize_str("a" + s + "b")
        if cleaned == "ab":
            data["control"].append(c)
        pieces = [p for p, _ in split.pre_tokenize_str("a" + s + "b")]
        if pieces == ["a", "b"]:
            data["white"].append(c)
        elif pieces == ["a", s, "b"]:
            data["punctuation"].append(c)
        else:
            assert pieces == ["a" + s + "b"], (hex(c), pieces)
        if cleaned == "a b":
            assert data["white"][-1] == c, hex(c)
        elif cleaned != "ab":
            assert cleaned == "a" + s + "b", hex(c)
            assert not data["white"] or data["white"][-1] != c, hex(c)
        spaced = chinese.normalize_str(s)
        if spaced != s:
            assert spaced == f" {s} ", hex(c)
            data["chinese"].append(c)
        parts = nfd.normalize_str(s)
        if parts != s:
            if 0xAC00 <= c <= 0xD7A3:
                index = c - 0xAC00
                jamo = [0x1100 + index // 588, 0x1161 + index % 588 // 28]
                jamo += [0x11A7 + index % 28] if index % 28 else []
                assert parts == "".join(map(chr, jamo)), hex(c)
            else:
                decomposition[c] = [ord(p) for p in parts]
        else:
            value = combining_class(c, marks)
            if value:
                classes[c] = value
            if strip.normalize_str(s) == "":
                data["mark"].append(c)
        small = lower.normalize_str(s)
        if small != s:
            lowercase[c] = [ord(p) for p in small]
    marked = set(data["mark"])
    for c, parts in decomposition.items():
        kept = "".join(chr(p) for p in parts if p not in marked)
        assert strip.normalize_str(chr(c)) == kept, hex(c)
    return data, decomposition, lowercase, classes


def word_characters():
    """What `\\w` matches in the regular expressions behind `single_word`: a token does not count beside it."""
    tokenizer = Tokenizer(models.WordPiece({"[UNK]": 0}, unk_token="[UNK]"))
    tokenizer.add_tokens([AddedToken("x", single_word=True, normalized=False)])
    return [c for c in SCALARS if tokenizer.encode("x" + chr(c)).ids[0] == 0]


def letters_and_numbers():
    """`\\p{L}` and `\\p{N}` of the regular expression that splits text for byte-level BPE, by which run a scalar joins."""
    splitter = pre_tokenizers.ByteLevel(add_prefix_space=False)

    def joins(text):
        return len(splitter.pre_tokenize_str(text)) == 1

    letters, numbers, white = [], [], []
    for c in SCALARS:
        kinds = [joins(run + chr(c)) for run in "a1!"]
        assert sum(kinds) <= 1, hex(c)
        if not kinds[2]:
            (letters if kinds[0] else numbers if kinds[1] else white).append(c)
    return letters, numbers, white


def numbers_and_marks():
    """The scalars that `Digits` sets apart, that `\\d` matches, and that `StripAccents` removes."""
    numeric = pre_tokenizers.Digits(individual_digits=True)
    digits = pre_tokenizers.Split(Regex(r"\d"), "isolated")
    accents = normalizers.StripAccents()
    found = ([], [], [])
    for c in SCALARS:
        text = "a" + chr(c) + "a"
        for pieces, member in ((numeric, found[0]), (digits, found[1])):
            if len(pieces.pre_tokenize_str(text)) == 3:
                member.append(c)
        if accents.normalize_str(text) == "aa":
            found[2].append(c)
    return found


def forms(decomposition):
    """Compatible decompositions where they differ from the canonical ones, and what is never composed again."""
    nfkd, nfc = normalizers.NFKD(), normalizers.NFC()
    compatible = {}
    for c in SCALARS:
        parts = nfkd.normalize_str(chr(c))
        if parts != nfd.normalize_str(chr(c)):
            compatible[c] = [ord(p) for p in parts]
    excluded = [c for c in decomposition if nfc.normalize_str(chr(c)) != chr(c)]
    composed = {tuple(parts): c for c, parts in decomposition.items() if c not in set(excluded)}
    for parts, c in composed.items():  # each is made of one before it and one mark more
        first = parts[0] if len(parts) == 2 else composed[parts[:-1]]
        assert nfc.normalize_str(chr(first) + chr(parts[-1])) == chr(c), hex(c)
    return compatible, excluded


# Replaces every scalar by Y: a grapheme cluster of fewer than 6 bytes becomes one Y, others one for each scalar, so that
# the boundaries of clusters show. A double array of one block for each kind of byte, which all sequences share.
def charsmap():
    units = [0] * 1536
    leaf, last, third, fourth = 512, 768, 1024, 1280

    def unit(place, label, base, is_leaf):
        units[place] = label | is_leaf << 8 | (place ^ base) << 10

    units[0] = 256 << 10
    for byte in range(1, 0xF5):
        if byte < 0x80:
            unit(256 ^ byte, byte, leaf, 1)
        elif 0xC2 <= byte < 0xE0:
            unit(256 ^ byte, byte, last, 0)
        elif 0xE0 <= byte < 0xF0:
            unit(256 ^ byte, byte, third, 0)
        elif byte >= 0xF0:
            unit(256 ^ byte, byte, fourth, 0)
    for byte in range(0x80, 0xC0):
        unit(last ^ byte, byte, leaf, 1)
        unit(third ^ byte, byte, last, 0)
        unit(fourth ^ byte, byte, third, 0)
    units[leaf] = 0
    return struct.pack("<I", 4 * len(units)) + b"".join(struct.pack("<I", u) for u in units) + b"Y\0"


def graphemes():
    """The part that each scalar plays in the boundaries of grapheme clusters, as far as it shows in `Precompiled`.

    Clusters of 6 bytes or more are replaced scalar by scalar whatever they are, so long scalars can play parts that never
    show; those are left out.
    """
    rules = normalizers.Precompiled(charsmap())

    def count(*scalars):
        return len(rules.normalize_str("".join(s if isinstance(s, str) else chr(s) for s in scalars)))

    face, joiner, letter, linker, grave = "\u263a", "\u200d", "\u0915", "\u094d", "\u0300"
    assert count(face, joiner, face, grave) == 4 and count("a", joiner, face, grave) == 2
    assert count(letter, linker, letter, grave) == 4 and count(letter, letter, grave) == 2
    data = {name: [] for name in ("control", "extend", "spacing", "prepend", "pictographic", "consonant", "linker",
                                  "conjunct", "leading", "vowel", "trailing")}
    for c in SCALARS:
        s = chr(c)
        if c in (0x0D, 0x0A) or 0xAC00 <= c <= 0xD7A3:
            continue
        if count("a", s) == 1:
            # An extending scalar lets an emoji, it and a joiner reach the next.
            extends = c == 0x200D or count(face, s, joiner, face, grave) == 5
            data["extend" if extends else "spacing"].append(c)
        prepends = count(s, "b") == 1
        if prepends:
            data["prepend"].append(c)
        elif count(s, grave, grave) == 2:  # two marks by themselves
            data["control"].append(c)
        if count(s, joiner, face, grave) == 4:
            data["pictographic"].append(c)
        if not prepends:
            if count(s, linker, letter, grave) == 4:
                data["consonant"].append(c)
            if count(letter, s, letter, grave) == 4:
                data["linker"].append(c)
            if count(letter, linker, s, letter, grave) == 5:
                data["conjunct"].append(c)
            leads = count(s, "\u1100", grave) == 3
            before = count(s, "\u11a8", grave) == 3
            vowel = count(s, "\u1161", grave) == 3
            if leads:
                data["leading"].append(c)
            elif before:
                data["vowel" if vowel else "trailing"].append(c)
    data["conjunct"] = sorted(set(data["conjunct"]) - set(data["linker"]))
    return data


def ranges(values):
    runs = []
    for v in sorted(values):
        if runs and runs[-1][1] == v - 1:
            runs[-1][1] = v
        else:
            runs.append([v, v])
    return [f"{a:X}" if a == b else f"{a:X}-{b:X}" for a, b in runs]


def class_ranges(classes):
    runs = []
    for c in sorted(classes):
        if runs and runs[-1][1] == c - 1 and runs[-1][2] == classes[c]:
            runs[-1][1] = c
        else:
            runs.append([c, c, classes[c]])
    return [(f"{a:X}" if a == b else f"{a:X}-{b:X}") + f":{k:X}" for a, b, k in runs]


def lowercase_runs(mapping):
    """`first-last/step:target` for runs with a constant distance, `code:target,target` for mappings to several."""
    single = sorted((c, m[0]) for c, m in mapping.items() if len(m) == 1)
    out, i = [], 0
    while i < len(single):
        best = i
        step = 1
        for candidate in (1, 2):
            j = i
            while (j + 1 < len(single) and single[j + 1][0] == single[j][0] + candidate
                   and single[j + 1][1] - single[j + 1][0] == single[i][1] - single[i][0]):
                j += 1
            if j > best:
                best, step = j, candidate
        a, b = single[i][0], single[best][0]
        out.append((a, f"{a:X}" + (f"-{b:X}" if b > a else "") + ("/2" if step == 2 else "") + f":{single[i][1]:X}"))
        i = best + 1
    out += [(c, f"{c:X}:" + ",".join(f"{p:X}" for p in m)) for c, m in mapping.items() if len(m) > 1]
    return [text for _, text in sorted(out)]


def swift_string(name, comment, words):
    lines, line = [], ""
    for word in words:
        if len(line) + len(word) + 1 > 104:
            lines.append(line)
            line = ""
        line = f"{line} {word}" if line else word
    lines.append(line)
    body = " \\\n".join("    " + text for text in lines)
    return f'  /// {comment}\n  static let {name}: StaticString = """\n{body}\n    """\n'


def differences(data, decomposition, lowercase, classes):
    """Where `tokenizers` departs from the Unicode version of this Python, one code point (range) a line."""
    found = {}

    def note(c, text):
        found.setdefault(text, []).append(c)

    sets = {k: set(v) for k, v in data.items()}
    for c in SCALARS:
        s = chr(c)
        category = unicodedata.category(s)
        if category == "Cn":
            category_is_known = False
        else:
            category_is_known = True
        control = category[0] == "C" and category_is_known and s not in "\t\n\r"
        if control != (c in sets["control"]) and c != 0xFFFD:
            note(c, f"control here: {c in sets['control']}, category {category}")
        punctuation = category[0] == "P" or (c < 128 and not s.isalnum() and 32 < c < 127)
        if punctuation != (c in sets["punctuation"]):
            note(c, f"punctuation here: {c in sets['punctuation']}, category {category}")
        plain = unicodedata.normalize("NFD", s)
        if plain == s and (category == "Mn") != (c in sets["mark"]):
            note(c, f"nonspacing mark here: {c in sets['mark']}, category {category}")
        ours = "".join(map(chr, decomposition.get(c, [c])))
        if plain != ours and not 0xAC00 <= c <= 0xD7A3:
            note(c, "decomposition differs")
        if unicodedata.combining(s) != classes.get(c, 0) and plain == s:
            note(c, f"combining class here: {classes.get(c, 0)}, there {unicodedata.combining(s)}")
        if s.lower() != "".join(map(chr, lowercase.get(c, [c]))) and c != 0x3A3:
            note(c, "lower case differs")
    return found


def write(name, comment, parts):
    with open(os.path.join(FOLDER, name + ".swift"), "w") as file:
        file.write("// Generated by Tests/Reference/unicode_tables.py from the behaviour of tokenizers "
                   f"{tokenizers.__version__}; do not edit.\n\n/// {comment}\nenum {name} {{\n"
                   + "\n".join(parts) + "}\n")


def main():
    data, decomposition, lowercase, classes = measure()
    parts = [
        swift_string("control", "Control characters, which cleaning removes: NUL, U+FFFD and the categories C* as `tokenizers` knows them.",
                     ranges(data["control"])),
        swift_string("white", "White space: separates words.", ranges(data["white"])),
        swift_string("punctuation", "ASCII punctuation and the categories P*: a word of its own each.",
                     ranges(data["punctuation"])),
        swift_string("chinese", "Chinese characters as BERT defines them: a word of its own each.",
                     ranges(data["chinese"])),
        swift_string("mark", "Nonspacing marks (category Mn), which accent stripping removes.", ranges(data["mark"])),
        swift_string("combining", "Canonical combining classes that are not 0, as `range:class`.",
                     class_ranges(classes)),
        swift_string("lowercase", "Lower case as `first-last/step:first target` or `code:target,target`.",
                     lowercase_runs(lowercase)),
        swift_string("decomposition", "Full canonical decompositions as `code:part,part`; Hangul is computed.",
                     [f"{c:X}:" + ",".join(f"{p:X}" for p in m) for c, m in sorted(decomposition.items())]),
    ]
    write("UnicodeData", "The Unicode properties that decide how BERT cleans, lower-cases and splits text, in hexadecimal.",
          parts)
    words = swift_string("ranges", "Letters, marks, decimal digits, connectors and joiners.", ranges(word_characters()))
    write("UnicodeWordData", "The characters beside which an added token that must stand alone does not count, in "
          "hexadecimal.", [words])
    letters, numbers, white = letters_and_numbers()
    assert white == data["white"]  # one white space for both
    write("UnicodeLetterData", "Letters and numbers of the splitting for byte-level BPE, in hexadecimal.", [
        swift_string("letters", "The categories L*.", ranges(letters)),
        swift_string("numbers", "The categories N*.", ranges(numbers))])
    numeric, digits, accents = numbers_and_marks()
    assert set(numbers) <= set(numeric)  # one table and what the other has beyond it
    compatible, excluded = forms(decomposition)
    write("UnicodeFormData", "Unicode's compatible forms, numbers and combining marks of every kind, in hexadecimal.", [
        swift_string("marks", "The categories M*, which `StripAccents` removes.", ranges(accents)),
        swift_string("laterNumbers", "Numbers of the Rust standard library, which `Digits` sets apart, beyond `UnicodeLetterData.numbers`.",
                     ranges(sorted(set(numeric) - set(numbers)))),
        swift_string("digits", "Decimal digits, `\\d` in regular expressions.", ranges(digits)),
        swift_string("excluded", "Scalars that are never composed, though they decompose.", ranges(excluded)),
        swift_string("compatible", "Full compatible decompositions where they are not the canonical ones, as "
                     "`first-last:first target` or `code:target,target`.", lowercase_runs(compatible))])
    clusters = graphemes()
    comments = {
        "control": "Control characters, which nothing joins.", "extend": "Marks and the joiner, which join what is before them.",
        "spacing": "Spacing marks, which join what is before them.", "prepend": "Signs that join whatever is behind them.",
        "pictographic": "Pictographs, which joiners join.", "consonant": "Consonants, which linkers join.",
        "linker": "Marks that link consonants.", "conjunct": "Other marks that may stand beside linkers.",
        "leading": "Leading consonants of Hangul.", "vowel": "Vowels of Hangul and of scripts written like it.",
        "trailing": "Trailing consonants of Hangul."}
    write("GraphemeData", "The parts of scalars in the boundaries of grapheme clusters, as far as they show in `tokenizers`, "
          "in hexadecimal.", [swift_string(name, comment, ranges(clusters[name])) for name, comment in comments.items()])
    found = differences(data, decomposition, lowercase, classes)
    with open(DIFFERENCES, "w") as file:
        file.write(f"# Code points where tokenizers {tokenizers.__version__} departs from Unicode "
                   f"{unicodedata.unidata_version}\n# (its tables are older or newer). Potstill follows tokenizers in each of "
                   "them.\n# Generated by unicode_tables.py.\n")
        for text in sorted(found):
            for word in ranges(found[text]):
                file.write(f"{word}\t{text}\n")
    print({k: len(v) for k, v in data.items()}, len(decomposition), len(lowercase), len(classes),
          {k: len(v) for k, v in found.items()}, file=sys.stderr)


if __name__ == "__main__":
    main()
