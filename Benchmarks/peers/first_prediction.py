"""One prediction in a fresh Python process: the peer of `potstill predict --model DIR TEXT`.

    python Benchmarks/peers/first_prediction.py --model classifier/ "a gripping, funny film"
    python Benchmarks/peers/first_prediction.py --make-from minilm-l6/ --model classifier/

Whoever starts it takes the time of the whole process. `--make-from` writes the classifier directory for both sides:
an encoder's weights with a new head of two labels.
"""

import argparse


def make(encoder, folder):
    """A classifier directory of an encoder without a head."""
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    AutoModelForSequenceClassification.from_pretrained(encoder, num_labels=2).save_pretrained(folder)
    AutoTokenizer.from_pretrained(encoder).save_pretrained(folder)


def predict(folder, text, threads):
    """(label, probability) of a text."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    torch.set_num_threads(threads)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    with torch.inference_mode():
        scores = model(**tokenizer(text, return_tensors="pt")).logits.softmax(-1)[0]
    best = int(scores.argmax())
    return model.config.id2label[best], float(scores[best])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="a Hugging Face directory with a classifier")
    parser.add_argument("--make-from", metavar="DIR", help="write --model from this encoder, and predict nothing")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("text", nargs="?", default="a gripping, funny film")
    arguments = parser.parse_args()
    if arguments.make_from:
        make(arguments.make_from, arguments.model)
    else:
        print(*predict(arguments.model, arguments.text, arguments.threads))


if __name__ == "__main__":
    main()
