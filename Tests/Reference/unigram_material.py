"""Small tokenizers of SentencePiece's kind, trained here, and the texts that goldens and parity checks try them on."""
import json
import os
import tempfile

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers, processors

from unicode_tables import charsmap

SENTENCES = [
    "A small model learns from a big one what words mean in their places.",
    "Öfter als früher heißt es: Übung macht den Meister, auch fürs Gerät.",
    "Hier, l'été dernier, où étais-tu ? Ça dépend du cœur, naïve Noëlle.",
    "Маленькая модель учится у большой; ёжик бежит в объезд.",
    "Το μικρό μοντέλο μαθαίνει από το μεγάλο, όπως ο μαθητής.",
    "小模型向大模型学习，老师教学生，学生青出于蓝。",
    "小さなモデルが大きなモデルから学び、ﾊﾟｿｺﾝで動きます。",
    "작은 모델이 큰 모델에게서 배웁니다, 그래서 빠릅니다.",
    "छोटा मॉडल बड़े मॉडल से सीखता है, क्योंकि क्ष और ज्ञ कठिन हैं।",
    "แบบจำลองเล็กเรียนรู้จากแบบจำลองใหญ่",
    "النموذج الصغير يتعلّم من النموذج الكبير، كما قال الأستاذ.",
    "המודל הקטן לומד מן המודל הגדול, שָׁלוֹם.",
    "Փոքր մոդելը սովորում է մեծից։",
    "პატარა მოდელი სწავლობს დიდისგან.",
    "சிறிய மாதிரி பெரிய மாதிரியிடம் கற்கிறது.",
    "ছোট মডেল বড় মডেলের কাছ থেকে শেখে।",
    "ትንሹ ሞዴል ከትልቁ ይማራል።",
    "Mô hình nhỏ học từ mô hình lớn, ấy là điều tự nhiên.",
]
TRICKY = [
    "", " ", "   ", "\n", "a\r\nb", "\r\n", " a", "a ", "a  b", "  a   b  ", "a\tb\nc", "\u3000a\u3000\u00a0b\u2028c", "▁", "▁▁a ▁b", " ▁a",
    "a▁b", "½ ⅓ ①②", "™\u0301", "A\u0302\u0300", "ﾊﾟ ｶﾞ", "…", "a\u00adb", "\u200b\u200d\ufeff", "～", "\u0001a", "\u0001\u0001½ab",
    "a\u0001\u0002b", "½\u0001x", "\u0000a\u0000", "ﬁﬀ ﬃ", "ＡＢＣ１２３！", "①\u0300b", "é e\u0301 e\u0323\u0301", "\u0301a", "한글 한글",
    "क्षि क़ क\u094d\u200dष", "👨\u200d👩\u200d👧 🇩🇪🇪🇺 👍🏽", "☃☃ ☃a☃", "<unk> <s>x</s> <mask>", "a<mask>b  <mask> c", "xaxbxx",
    "\u0600a \u06dd1", "Ǆ İI ß ŒŒ", "۱۲۳ 123 ①½", "don't ``quote'' -- 'em", "\u1e69 s\u0323\u0307", "\u0344\u0323 \u0f73",
    "ｶ\u3099 か\u3099", "\ufdfa", "\u2126 \u212b \ufb1d", "x" * 70, "\u0915\u094d" * 20 + "a", "a\u0300" * 30,
]


def model_bytes(kind="unigram", size=400, **options):
    """A SentencePiece model trained on the sentences."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "text")
        with open(path, "w", encoding="utf-8") as file:
            file.writelines((line + "\n") * 4 for line in SENTENCES)
        if "rules" in options:
            rules = os.path.join(folder, "rules.tsv")
            with open(rules, "w", encoding="utf-8") as file:
                for left, right in options.pop("rules"):
                    file.write("\t".join(" ".join(f"{ord(c):X}" for c in side) for side in (left, right)) + "\n")
            options["normalization_rule_tsv"] = rules
        sentencepiece.SentencePieceTrainer.train(
            input=path, model_prefix=os.path.join(folder, "m"), vocab_size=size, model_type=kind, hard_vocab_limit=False,
            character_coverage=options.pop("coverage", 0.98), minloglevel=2, num_threads=1, **options)
        with open(os.path.join(folder, "m.model"), "rb") as file:
            return file.read()


def fields(message):
    """The fields of a protobuf message: number, value."""
    position = 0

    def varint():
        nonlocal position
        value = shift = 0
        while True:
            byte = message[position]
            position += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while position < len(message):
        key = varint()
        if key & 7 == 0:
            yield key >> 3, varint()
        else:
            length = {1: 8, 5: 4}.get(key & 7) or varint()
            yield key >> 3, message[position:position + length]
            position += length


def rules_of(model):
    """The compiled rules of a SentencePiece model."""
    return next(dict(fields(value)).get(2, b"") for number, value in fields(model) if number == 3)


# Few enough to lie in a repository: wide and narrow forms, things that become longer, shorter, nothing, a space.
SMALL_RULES = [
    ("½", "1⁄2"), ("™", "TM"), ("…", "..."), ("ﬁ", "fi"), ("①", "1"), ("\u0001", ""), ("\u0002", ""), ("\u200b", " "), ("\u3000", " "),
    ("\u00a0", " "), ("\n", " "), ("\r", " "), ("\t", " "), ("ﾊﾟ", "パ"), ("ﾊ", "ハ"), ("ﾟ", "\u309a"), ("A\u0302\u0300", "\u1ea6"),
    ("A\u0302", "Â"), ("e\u0301", "é"), ("Ａ", "A"), ("，", ","), ("！", "!"), ("か\u3099", "が"), ("\u0958", "\u0915\u093c"), ("👍", "+1"),
    ("\ufdfa", "صلى الله عليه وسلم"), ("a\u0300b", "X"), ("☺", "☻"),
]


def pieces(model):
    """The pieces of a SentencePiece model with their scores."""
    processor = sentencepiece.SentencePieceProcessor(model_proto=model)
    return [(processor.id_to_piece(i), processor.get_score(i)) for i in range(processor.get_piece_size())]


def xlm_roberta(model, **options):
    """The tokenizer that `transformers`' class makes of a SentencePiece model."""
    from transformers import XLMRobertaTokenizer

    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "sentencepiece.bpe.model"), "wb") as file:
            file.write(model)
        with open(os.path.join(folder, "tokenizer_config.json"), "w") as file:
            json.dump({"tokenizer_class": "XLMRobertaTokenizer", **options}, file)
        return XLMRobertaTokenizer.from_pretrained(folder)


NORMALIZERS = {
    "nfc": normalizers.NFC(), "nfd": normalizers.NFD(), "nfkc": normalizers.NFKC(), "nfkd": normalizers.NFKD(),
    "lowercase": normalizers.Lowercase(), "accents": normalizers.StripAccents(), "nmt": normalizers.Nmt(),
    "strip": normalizers.Strip(), "strip left": normalizers.Strip(True, False), "strip right": normalizers.Strip(False, True),
    "prepend": normalizers.Prepend("▁x"), "replace": normalizers.Replace(" ", "▁"), "replace longer": normalizers.Replace("é", "e\u0301!"),
    "replace nothing": normalizers.Replace("a", ""), "spaces": normalizers.Replace(Regex(" {2,}"), "▁"),
    "white": normalizers.Replace(Regex(r"\s{2,}|[\n\r\t]"), " "), "not letters": normalizers.Replace(Regex(r"[^\s\p{L}\p{N}]+"), "·"),
    "code points": normalizers.Replace(Regex(r"[\x{4E00}-\x{9FFF}\x00-\x1f]+|\u00e9|\x{1F600}"), "#"),
    "bert": normalizers.BertNormalizer(), "bert cased": normalizers.BertNormalizer(True, True, False, False),
    "clusters": normalizers.Precompiled(charsmap()),
    "nothing": normalizers.Sequence([]),
    "albert": normalizers.Sequence([normalizers.Replace("``", '"'), normalizers.Replace("''", '"'), normalizers.NFKD(),
                                    normalizers.StripAccents(), normalizers.Lowercase()]),
    "nested": normalizers.Sequence([normalizers.Sequence([normalizers.NFD(), normalizers.Lowercase()]), normalizers.NFC(),
                                    normalizers.Strip(), normalizers.Prepend(" "), normalizers.Nmt()]),
}


def isolated(pattern):
    return pre_tokenizers.Split(Regex(pattern), "isolated")


GPT4 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
PRE_TOKENIZERS = {
    "always": pre_tokenizers.Metaspace(), "first": pre_tokenizers.Metaspace("▁", "first"), "never": pre_tokenizers.Metaspace("▁", "never"),
    "whole": pre_tokenizers.Metaspace("▁", "always", False), "other sign": pre_tokenizers.Metaspace("_", "first"),
    "white": pre_tokenizers.WhitespaceSplit(), "words": pre_tokenizers.Whitespace(), "punctuation": pre_tokenizers.Punctuation(),
    "digits": pre_tokenizers.Digits(), "each digit": pre_tokenizers.Digits(True), "bytes": pre_tokenizers.ByteLevel(),
    "bytes without": pre_tokenizers.ByteLevel(False, use_regex=False), "bert": pre_tokenizers.BertPreTokenizer(),
    "gpt-4": isolated(GPT4), "digit runs": pre_tokenizers.Split(Regex(r"\d+"), "removed", True),
    "xlm": pre_tokenizers.Sequence([pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace()]),
    "many": pre_tokenizers.Sequence([pre_tokenizers.Punctuation("contiguous"), pre_tokenizers.Metaspace("▁", "first"),
                                     pre_tokenizers.Digits(True), pre_tokenizers.ByteLevel(True, use_regex=True)]),
    **{f"split {b}": pre_tokenizers.Split("a", b) for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"invert {b}": pre_tokenizers.Split("a", b, True)
       for b in ("removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous")},
    **{f"punctuation {b}": pre_tokenizers.Punctuation(b) for b in ("removed", "merged_with_previous", "merged_with_next", "contiguous")},
}


def bare(normalizer=None, pre_tokenizer=None):
    """A tokenizer that shows what its components make of texts: everything is unknown, each piece, or scalar, by itself."""
    tokenizer = Tokenizer(models.Unigram([("<unk>", 0.0)], 0, False))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizer or isolated(r"[\s\S]")
    return tokenizer


ADDED = [AddedToken("<x>", normalized=False), AddedToken("<x>y", normalized=False), AddedToken("model", single_word=True),
         AddedToken("<l>", lstrip=True, normalized=False), AddedToken("<r>", rstrip=True), AddedToken("<lr>", lstrip=True, rstrip=True),
         AddedToken("½"), AddedToken("a b"), AddedToken("学生")]
ADDED_TEXTS = ["<x><x>y a<x>b", "model models remodel model's 学model", "a <l>  b<l>\u3000<l>", "a <r>  <r> b<r>", "x <lr>  <l> y <lr><lr> ",
               "½ 1⁄2 a½b", "a b a  b xa by", "老师学生 学 生", " <l>", "<x", "<lr> \u0301<lr>", "\u0001<x>\u0001½"]


def add(tokenizer, tokens=ADDED):
    tokenizer.add_tokens(list(tokens))
    return tokenizer


def unigram(vocabulary, unknown=0, fallback=False, normalizer=None, pre_tokenizer=None):
    tokenizer = Tokenizer(models.Unigram(vocabulary, unknown, fallback))
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    if pre_tokenizer is not None:
        tokenizer.pre_tokenizer = pre_tokenizer
    return tokenizer


def framed(tokenizer, begin, end):
    ids = [(t, tokenizer.token_to_id(t)) for t in (begin, end)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A {end}", pair=f"{begin} $A {end} $B:1 {end}:1", special_tokens=ids)
    return tokenizer


BYTES = [(f"<0x{b:02X}>", -20.0 - b / 7) for b in range(256)]
# Vocabularies whose ties, scores and unknowns are hard.
EDGES = {
    "doc": ([("<unk>", 0.0), ("a", 0.0), ("b", 0.0), ("c", 0.0), ("d", 0.0), ("cd", 1.0), ("ab", 2.0), ("abc", 5.0), ("abcd", 10.0)], 0),
    "fused": ([("<unk>", 0.0), ("a", -1.0), ("xx", -50.0)], 0),
    "ties": ([("<unk>", 0.0), ("a", -1.0), ("aa", -2.0), ("aaa", -3.0), ("aaaa", -4.0), ("b", -1.5), ("ab", -2.5), ("ba", -2.5)], 0),
    "twice": ([("<unk>", -3.0), ("a", -1.0), ("b", -2.0), ("a", -7.0), ("ab", -2.5), ("<unk>", 4.0), ("ab", -9.5)], 0),
    "last": ([("a", -1.5), ("é", -2.25), ("e\u0301", -2.0), ("学生", -3.1), ("学", -9.0), ("<unk>", 0.0)], 5),
    "positive": ([("<unk>", 3.5), ("a", 2.0), ("aa", 4.0), ("ab", 3.0), ("xa", 0.1), ("\u0000", 1.0), ("a\u0000", 1.5)], 0),
}
EDGE_TEXTS = ["abcdacdxx", "axxa", "axyxxa", "aaaaaaa", "aabaabbaab", "ab", "baba", "é e\u0301xé", "学生学校生", "xa ax", "\u0000a\u0000", "<unk>a<unk><unk>", "",
              "zz<unk>z", "aé\u0301☃b"]
