/// Use of a model in programs: its pipeline on the Hugging Face hub, and a few lines that ask it.
///
/// In the lines `MODEL` stands for its folder.
package struct ModelUsage: Sendable {
  /// Name of the pipeline, on the hub and in `transformers`.
  package let pipelineTag: String
  /// Lines of Python.
  package let python: [String]
  /// Lines of Swift.
  package let swift: [String]
  /// Arguments, in Python, of a tokenizer of `transformers` that a question to the model is read with.
  package let question: String
  /// Line for a shell; nil where `predict` does not answer such a model.
  package let command: String?

  /// A use of its parts.
  package init(
    pipelineTag: String, python: [String], question: String, swift: [String], command: String?
  ) {
    (self.pipelineTag, self.python, self.question) = (pipelineTag, python, question)
    (self.swift, self.command) = (swift, command)
  }

  /// Lines of Python that ask the model in ONNX Runtime, of the folder that it was exported to.
  package var onnx: [String] {
    [
      "import onnxruntime", "from transformers import AutoTokenizer", "",
      "tokenizer = AutoTokenizer.from_pretrained(\"MODEL-onnx\")",
      "session = onnxruntime.InferenceSession(\"MODEL-onnx/onnx/model.onnx\")",
      "inputs = tokenizer(\(question), return_tensors=\"np\")",
      "names = [port.name for port in session.get_inputs()]",
      "print(session.run(None, {name: inputs[name] for name in names}))",
    ]
  }

  /// Sentences to ask a model with, in a language that it reads.
  struct Sample {
    let text: String
    let pair: String
    let entities: String
    let question: String
    let passage: String
    let masked: (String) -> String

    /// Sentences of the language of a task.
    init(of task: TaskDefinition) {
      if task.language?.hasPrefix("zh") == true {
        (text, pair) = ("这部电影很感人。", "这个故事打动人心。")
        entities = "江泽民在北京会见了客人。"
        (question, passage) = ("谁写了这本书？", "这本书是鲁迅写的。")
        masked = { "今天天气很\($0)。" }
      } else {
        (text, pair) = ("a gripping, funny film", "funny, and never dull")
        entities = "Ada Lovelace lived in London."
        (question, passage) = ("Who wrote it?", "It was written by Ada Lovelace.")
        masked = { "The film was \($0)." }
      }
    }
  }

  /// Use of a model that reads texts, or pairs of them, by a pipeline of `transformers`.
  ///
  /// - Parameters:
  ///   - task: The task.
  ///   - arguments: Further arguments of the pipeline.
  ///   - needsPair: Whether a row has two texts always.
  ///   - classifies: Whether `Classifier` answers single texts.
  static func texts(
    of task: TaskDefinition, arguments: String = "", needsPair: Bool = false, classifies: Bool = true
  ) -> ModelUsage {
    let sample = Sample(of: task)
    let isPair = needsPair || task.textPairColumn != nil
    let asked =
      isPair ? "{\"text\": \"\(sample.text)\", \"text_pair\": \"\(sample.pair)\"}" : "\"\(sample.text)\""
    let swift: [String]
    if !isPair && classifies {
      swift = [
        "import Foundation", "import Potstill", "",
        "let classifier = try Classifier(directory: URL(filePath: \"MODEL\"))",
        "let answer = try classifier(\"\(sample.text)\")", "print(answer.labels, answer.probabilities)",
      ]
    } else {
      let pair = isPair ? ", pair: \"\(sample.pair)\"" : ""
      swift = [
        "import Potstill", "", "let model = try TokenizedModel(\"MODEL\")",
        "let texts = [TextExample(text: \"\(sample.text)\"\(pair))]",
        "let examples = try model.encode(texts, limit: model.lengthLimit())",
        "let batch = Batch(examples, at: [0]).tokens",
        "print(model.model(batch, in: .inference).logits.values)",
      ]
    }
    return ModelUsage(
      pipelineTag: "text-classification",
      python: [
        "from transformers import pipeline", "",
        "classify = pipeline(\"text-classification\", model=\"MODEL\"\(arguments))",
        "print(classify(\(asked)))",
      ], question: isPair ? "\"\(sample.text)\", \"\(sample.pair)\"" : asked, swift: swift,
      command: "echo '\(isPair ? asked : sample.text)' | potstill predict --model MODEL")
  }
}
