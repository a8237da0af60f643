"""Writes Tests/Fixtures/taskdata: the inputs that `transformers` makes of words with tags and of questions with passages.

    python Tests/Reference/make_taskdata_fixtures.py

The tokenizers are BERT's over Tests/Fixtures/tokenization/vocab.txt (`words.json`, `questions.json`) and RoBERTa's over
byte_level_vocab.json beside it (`byte_level_words.json`, `byte_level_questions.json`). Words are tokenized with
`is_split_into_words` (RoBERTa's with `add_prefix_space`), tags laid on their tokens as `run_ner` does; questions with
`truncation="only_second"`, overflowing tokens and offsets, and answers laid on the windows as `run_qa` does, except that the
search for the first token stops at the end of the passage (`run_qa` walks on over the [SEP], whose offset is 0, where an answer
begins in the last token of a window). Questions lose the white space on their left, as in `run_qa`, and long ones are cut to
`max_query_length` tokens beforehand, as `run_squad` did.
"""
import json
import os

from tokenizers import AddedToken, BertWordPieceTokenizer
from transformers import PreTrainedTokenizerFast, RobertaTokenizerFast

HERE = os.path.dirname(os.path.abspath(__file__))
TOKENIZATION = os.path.join(HERE, "../Fixtures/tokenization")
FOLDER = os.path.join(HERE, "../Fixtures/taskdata")


def bert(lowercase):
    inner = BertWordPieceTokenizer(os.path.join(TOKENIZATION, "vocab.txt"), lowercase=lowercase)
    names = {"unk_token": "[UNK]", "sep_token": "[SEP]", "cls_token": "[CLS]", "pad_token": "[PAD]", "mask_token": "[MASK]"}
    return PreTrainedTokenizerFast(tokenizer_object=inner._tokenizer, **names)


def roberta(add_prefix_space):
    with open(os.path.join(TOKENIZATION, "byte_level_vocab.json"), encoding="utf-8") as file:
        vocabulary = json.load(file)
    with open(os.path.join(TOKENIZATION, "byte_level_merges.txt"), encoding="utf-8") as file:
        merges = [tuple(line.split()) for line in file.read().splitlines()[1:]]
    # The mask takes in the space before it, as the tokenizer_config.json of every RoBERTa says.
    mask = AddedToken("<mask>", lstrip=True, special=True, normalized=False)
    return RobertaTokenizerFast(vocab=vocabulary, merges=merges, add_prefix_space=add_prefix_space, mask_token=mask)


# Words with BIO tags of the types A and B: O, B-A, I-A, B-B, I-B.
SENTENCES = [
    (["The", "unaffable", "waiter", "of", "Istanbul", "knows", "Diyarbakır", "."], [0, 1, 2, 0, 3, 0, 3, 0]),
    (list("北京是中国的首都a市b会cafe"), [1, 2, 0, 1, 2, 0, 0, 0, 0, 0, 3, 4, 1, 2, 2, 2]),
    (["２０２６", "年", "Ａｂ", "ｂ", "\u200b", "\u0007", "😀", "👨\u200d👩", "cafe\u0301", "café"], [1, 2, 2, 0, 0, 0, 3, 4, 0, 1]),
    (["don't", "a.b", "[MASK]", "x" * 101, "\u3000", "한국어", "가", "\ufeff老\u0301師", "distillation"], [1, 2, 0, 3, 0, 1, 2, 3, 4]),
]
BYTE_LEVEL_SENTENCES = SENTENCES + [
    (["(", "\"Hello", ",", "world", "'s", "it's", "...the", "naïve", "Noël", "\u201cfilm\u201d", "$1,299.99", "😀", "👍🏽", "大学生", "!"],
     [0, 1, 2, 2, 0, 0, 3, 4, 3, 0, 0, 1, 2, 3, 0]),
    # White space is a word where characters are the words; words that begin with a space get no second one.
    (["a", " ", "b", "", " the", "  the", "the ", "  ", "a  b", "\u3000", "\u00a0x", "\n", "\t the"],
     [1, 2, 2, 0, 0, 3, 4, 0, 1, 0, 0, 3, 4]),
    (["", "the", "", "film", ""], [0, 1, 0, 3, 0]),
    # Special tokens are found in words first; what is left on either side counts as the beginning of a word.
    (["<mask>", "<pad>", "x<mask>y", "a <mask>  b", "</s>", "the<s>the", "</s> the", "<mask", " <mask>"],
     [1, 2, 0, 3, 0, 0, 1, 2, 0]),
]


def words_cases(settings, sentences, with_offsets=False):
    """Cases of tokenizers, each with what tells it from the others."""
    cases = []
    for setting, tokenizer in settings:
        for words, tags in sentences:
            encoding = tokenizer(words, is_split_into_words=True, return_offsets_mapping=True)
            word_of = encoding.word_ids()
            # Where the tokens of words lie in their words.
            offsets = [end for offset, word in zip(encoding["offset_mapping"], word_of) if word is not None for end in offset]
            for all_tokens in (False, True):
                # A word without a token would hide where an entity begins; both sides are compared without such words.
                labels = []
                previous = None
                for word in word_of:
                    if word is None:
                        labels.append(-100)
                    elif word != previous:
                        labels.append(tags[word])
                    else:
                        # run_ner turns B into I for later pieces.
                        labels.append((tags[word] + 1 if tags[word] % 2 else tags[word]) if all_tokens else -100)
                    previous = word
                cases.append({
                    **setting, "words": words, "tags": tags, "label_all_tokens": all_tokens,
                    "ids": encoding["input_ids"], "labels": labels,
                    "word_ids": [-1 if word is None else word for word in word_of],
                    **({"offsets": offsets} if with_offsets else {}),
                })
    return cases


PASSAGE = ("The quick brown fox (of 2026) jumps over the lazy dog in Istanbul. Cafe\u0301 owners wrote: \u201cone of the best!\u201d "
           "😀 The unaffable waiter knows 北京是中国的首都，上海是最大的城市。 Ａｂ２０２６ costs $1,299.99 at 22:43; "
           "한국어 문장도 나누어야 합니다. Distillation turns a big teacher into a small student\u200b; 👨\u200d👩\u200d👧 learns.")
QUESTIONS = [
    ("Who jumps over the dog?", PASSAGE, "The quick brown fox"),
    ("Where is the dog?", PASSAGE, "Istanbul"),
    ("Which owners wrote?", PASSAGE, "Cafe\u0301 owners"),
    ("Which owners wrote?", PASSAGE, "Cafe"),
    ("什么是首都?", PASSAGE, "北京"),
    ("最大的城市?", PASSAGE, "上海"),
    ("What costs so much?", PASSAGE, "Ａｂ２０２６"),
    ("How much does it cost?", PASSAGE, "$1,299.99"),
    ("How much?", PASSAGE, "299.99"),
    ("Who learns?", PASSAGE, "student\u200b"),
    ("Which emoji?", PASSAGE, "😀"),
    ("한국어?", PASSAGE, "한국어"),
    ("What part of a word?", PASSAGE, "affable wait"),
    ("What is nowhere in here?", PASSAGE, None),
    ("Why does the small student of the big teacher learn what the quick brown fox knows, and the lazy dog does not care?",
     PASSAGE, "Distillation turns a big teacher into a small student"),
    ("Short?", "北京。", "北京。"),
    ("👨\u200d👩 \u0007 who?", "  The 👨\u200d👩\u200d👧  learns.  ", "👨\u200d👩\u200d👧"),
]


def cut(tokenizer, question, length):
    question = question.lstrip()
    encoding = tokenizer(question, add_special_tokens=False, return_offsets_mapping=True)
    if len(encoding["input_ids"]) <= length:
        return question
    result = question[:encoding["offset_mapping"][length - 1][1]]
    assert tokenizer(result, add_special_tokens=False)["input_ids"] == encoding["input_ids"][:length]
    return result


def question_features(tokenizer, question, context, answer, max_length, stride, max_query):
    encoding = tokenizer(cut(tokenizer, question, max_query), context, truncation="only_second", max_length=max_length,
                         stride=stride, return_overflowing_tokens=True, return_offsets_mapping=True,
                         return_token_type_ids=True)
    windows = []
    for index, ids in enumerate(encoding["input_ids"]):
        sequence = encoding.sequence_ids(index)
        offsets = encoding["offset_mapping"][index]
        span = [0, 0]
        if answer is not None:
            start_char = context.index(answer)
            end_char = start_char + len(answer)
            first = sequence.index(1)
            last = len(sequence) - 1 - sequence[::-1].index(1)
            if offsets[first][0] <= start_char and offsets[last][1] >= end_char:
                start, end = first, last
                while start < len(offsets) and sequence[start] == 1 and offsets[start][0] <= start_char:
                    start += 1
                while sequence[end] == 1 and offsets[end][1] >= end_char:
                    end -= 1
                span = [start - 1, end + 1]
        windows.append({
            "ids": ids, "segments": encoding["token_type_ids"][index], "span": span,
            "context_start": sequence.index(1),
            "offsets": [end for offset, part in zip(offsets, sequence) if part == 1 for end in offset],
        })
    return windows


SETTINGS = [(True, 384, 128, 64), (True, 40, 16, 16), (True, 19, 0, 8), (False, 40, 10, 16)]
SPACED_PASSAGE = "  (The  quick) brown fox\n\n\u00a0reads: \"the  lazy dog\" , naïve 大学生 😀!  It's <mask> of\tthe best... "
BYTE_LEVEL_QUESTIONS = [QUESTIONS[index] for index in (0, 4, 6, 10, 12, 13, 14, 15)] + [
    (" \t Who  reads?", SPACED_PASSAGE, "The  quick"),
    ("\u3000(what) is it?", SPACED_PASSAGE, "lazy dog"),
    ("...and  naïve is who ?", SPACED_PASSAGE, "大学生 😀"),
    ("Whose mask?", SPACED_PASSAGE, "<mask> of\tthe"),
    ("", SPACED_PASSAGE, "fox"),
]
BYTE_LEVEL_SETTINGS = [(False, 384, 128, 64), (False, 48, 16, 24), (False, 27, 0, 12), (True, 48, 10, 24)]


def questions_cases(key, make, settings, questions):
    """Cases of the tokenizers that `make` makes of the first value of each setting, called `key`."""
    cases = []
    contexts = sorted({context for _, context, _ in questions})
    for first, max_length, stride, max_query in settings:
        tokenizer = make(first)
        for question, context, answer in questions:
            cases.append({
                key: first, "max_length": max_length, "stride": stride, "max_query_length": max_query,
                "question": question, "context": contexts.index(context), "answer": answer,
                "answer_start": -1 if answer is None else context.index(answer),
                "windows": question_features(tokenizer, question, context, answer, max_length, stride, max_query),
            })
    return {"contexts": contexts, "cases": cases}


def write(name, value):
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(value, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    os.makedirs(FOLDER, exist_ok=True)
    write("words.json", {"cases": words_cases([({"lowercase": value}, bert(value)) for value in (True, False)], SENTENCES)})
    write("questions.json", questions_cases("lowercase", bert, SETTINGS, QUESTIONS))
    write("byte_level_words.json", {"cases": words_cases([({}, roberta(True))], BYTE_LEVEL_SENTENCES, with_offsets=True)})
    write("byte_level_questions.json",
          questions_cases("add_prefix_space", roberta, BYTE_LEVEL_SETTINGS, BYTE_LEVEL_QUESTIONS))
