package import Datasets
package import Encoders
import Evaluation
import ModelFormats
package import Tensors
package import Tokenization

/// Family of tasks of the similarity of two sentences: the cosine of their vectors (Reimers and Gurevych 2019; STS-B).
///
/// A model learns as with sentence-transformers' `CosineSimilarityLoss`: the mean squared error between the cosine and the
/// score, which the task's range scales to 0 to 1. From a teacher it learns the vectors themselves, by their mean squared
/// error, without labels, as in its `model_distillation`; so both need vectors of one width.
package struct SentenceSimilarity: TextFamily {
  package var name: String { "sentence_similarity" }
  package var metrics: [String] { ["spearmanr", "pearson"] }
  package var hasLabels: Bool { false }
  package var needsPair: Bool { true }
  package var keys: Set<TaskDefinition.CodingKeys> {
    [.labelRange, .textPairColumn, .dropTrainDuplicates, .textColumn, .labelColumn]
  }
  package var head: TaskHead { .sentenceSimilarity }
  package var purpose: String { "sentence similarity" }
  package var form: LogitsForm { .values }
  package var sequencesPerExample: Int { 2 }
  package var namesOutputs: Bool { false }
  package func modelLabels(of task: TaskDefinition) -> [String]? { nil }
  /// 0: the encoder's width decides.
  package func outputCount(of task: TaskDefinition) -> Int { 0 }

  package func usage(of task: TaskDefinition, config: EncoderConfig) -> ModelUsage {
    let sample = ModelUsage.Sample(of: task)
    let texts = "[\"\(sample.text)\", \"\(sample.pair)\"]"
    let pooling =
      config.poolsFirstToken
      ? ["vectors = states[:, 0]"]
      : [
        "mask = inputs[\"attention_mask\"].unsqueeze(-1)",
        "vectors = (states * mask).sum(dim=1) / mask.sum(dim=1)",
      ]
    return ModelUsage(
      pipelineTag: "sentence-similarity",
      python: [
        "import torch", "from transformers import AutoModel, AutoTokenizer", "",
        "tokenizer = AutoTokenizer.from_pretrained(\"MODEL\")",
        "model = AutoModel.from_pretrained(\"MODEL\")",
        "inputs = tokenizer(\(texts), padding=True, truncation=True, return_tensors=\"pt\")",
        "with torch.no_grad():", "    states = model(**inputs).last_hidden_state",
      ] + pooling + ["print(torch.cosine_similarity(vectors[0], vectors[1], dim=0))"],
      question: "\(texts), padding=True",
      swift: [
        "import Potstill", "", "let model = try TokenizedModel(\"MODEL\")",
        "let texts = \(texts).map { TextExample(text: $0) }",
        "let examples = try model.encode(texts, limit: model.lengthLimit())",
        "let pair = Batch([EncodedExample(first: examples[0], second: examples[1])], at: [0]).tokens",
        "// The vectors of the two sentences, one behind the other.",
        "print(model.model(pair, in: .inference).logits.values)",
      ],
      command:
        "echo '{\"text\": \"\(sample.text)\", \"text_pair\": \"\(sample.pair)\"}' | potstill predict --model MODEL"
    )
  }

  package func targetReader(of task: TaskDefinition) -> any TargetReader {
    NumberReader(range: task.labelRange)
  }

  /// Two sequences a pair, with the score scaled to 0 to 1.
  package func examples(
    _ texts: [TextExample], of task: TaskDefinition?, with tokenizer: any Tokenizer, maxLength: Int
  ) throws(TokenizerError) -> [EncodedExample] {
    func encode(_ texts: [String]) throws(TokenizerError) -> [EncodedExample] {
      try EncodedExample.encode(texts.map { TextExample(text: $0) }, with: tokenizer, maxLength: maxLength)
    }
    let (first, second) = (try encode(texts.map(\.text)), try encode(texts.map { $0.pair ?? "" }))
    return texts.indices.map {
      EncodedExample(
        first: first[$0], second: second[$0], target: scaled(texts[$0].target, by: task?.labelRange))
    }
  }

  private func scaled(_ target: ExampleTarget, by range: ClosedRange<Double>?) -> ExampleTarget {
    guard case .value(let value) = target, let range else { return target }
    return .value(Float((Double(value) - range.lowerBound) / (range.upperBound - range.lowerBound)))
  }

  package func align(
    _ rows: TaskExamples, _ student: EncodedTask, by sides: AlignedSides
  ) throws(TokenizerError) -> [AlignedExample] {
    let texts = rows.texts
    return try AlignedExample.all(texts.count) { (index) throws(TokenizerError) in
      func encode(
        _ tokenizer: any Tokenizer, _ length: Int
      ) throws(TokenizerError) -> (first: Encoding, second: Encoding) {
        let truncation = Truncation(maxLength: length)
        return (
          try tokenizer.encode(texts[index].text, truncation: truncation),
          try tokenizer.encode(texts[index].pair ?? "", truncation: truncation)
        )
      }
      let own = try encode(sides.studentTokenizer, sides.studentLength)
      let other = try encode(sides.teacherTokenizer, sides.teacherLength)
      let firsts = AlignedExample(own.first, other.first, isFull: other.first.count == sides.teacherLength)
      let seconds = AlignedExample(
        own.second, other.second, isFull: other.second.count == sides.teacherLength)
      return AlignedExample(
        example: EncodedExample(first: firsts.example, second: seconds.example),
        alignment: TokenAlignment(
          student: TokenPlaces(own.first, own.second), teacher: TokenPlaces(other.first, other.second)),
        isShortened: firsts.isShortened || seconds.isShortened)
    }
  }

  package func predictor(of model: TokenizedModel, settings: PredictionSettings) throws -> any Predictor {
    PairPredictor(texts: try TextPredictor(model: model, family: self, settings: settings))
  }

  package func targets(of batch: Batch) -> any TaskTargets { CosineTargets(batch.values) }

  package func answer(_ logits: [Float], labels: [String]) -> PredictedAnswer {
    let cosine = CosineTargets.cosine(logits)
    let value: JSONValue = .double(shortest(cosine))
    return PredictedAnswer(
      line: "\(cosine)", json: ["similarity": value], prediction: value, members: [("value", value)])
  }

  package func chance(_ evaluation: TaskEvaluation, on data: EncodedTask) -> ChanceComparison? {
    ChanceComparison(evaluation, metric: metrics, chance: 0.05)
  }

  package func score(
    _ logits: [[Float]], of data: EncodedTask
  ) throws -> (TaskPredictions, [Score]) {
    let cosines = logits.map(CosineTargets.cosine)
    let scores = data.examples.map { example in
      if case .value(let value) = example.target { Double(value) } else { Double.nan }
    }
    guard scores.contains(where: { !$0.isNaN }) else { return (.values(cosines), []) }
    return (
      .values(cosines),
      try RegressionMetrics.compute(
        data.task.metrics, predictions: cosines.map { Double($0) }, labels: scores)
    )
  }
}

extension TaskKind {
  /// Similarity of two sentences: the cosine of their vectors (STS-B).
  public static let sentenceSimilarity = TaskKind(SentenceSimilarity())
}

/// Predictor of one number for two texts.
private struct PairPredictor: Predictor {
  let texts: TextPredictor

  /// Pairs as they are, and single texts by turns.
  func items(_ items: [PredictionItem]) throws -> [PredictionItem] {
    if items.allSatisfy({ $0.pair != nil }) { return items }
    guard items.allSatisfy({ $0.pair == nil }), items.count.isMultiple(of: 2) else {
      throw TaskError(
        "found \(items.count) texts, expected two by turns to compare, or pairs of them throughout")
    }
    return stride(from: 0, to: items.count, by: 2).map {
      PredictionItem(text: items[$0].text, pair: items[$0 + 1].text, place: items[$0].place)
    }
  }

  var unit: Int { 2 }

  func prepare(_ items: [PredictionItem], limit: Int) throws -> PreparedItems {
    try texts.prepare(items, limit: limit)
  }
}

/// Targets that are scores of pairs of sentences [B], NaN where they are not known, for the cosine of the two vectors that lie
/// side by side in a row of logits [B, 2 · features].
package struct CosineTargets: TaskTargets {
  private let scores: [Float]

  /// Scores, one a pair.
  package init(_ scores: [Float]) { self.scores = scores }

  package func count(starts: [Int32]) -> Int { scores.count { !$0.isNaN } }

  /// The mean squared error between cosine and score.
  package func loss(_ logits: Tensor, starts: [Int32], by loss: HardLabelLoss) -> Tensor {
    let known = scores.indices.filter { !scores[$0].isNaN }
    guard !known.isEmpty else { return Tensor(0) }
    let cosines = Self.cosines(logits.rows(at: known.map { Int32($0) }))
    return cosines.meanSquaredError(to: Tensor(known.map { scores[$0] }, shape: cosines.shape))
  }

  /// The cosine of each pair, [pairs, 1].
  package static func cosines(_ pairs: Tensor) -> Tensor {
    let count = pairs.shape[0]
    let vectors = pairs.reshaped([2 * count, pairs.shape.lastDimension / 2])
    let (first, second) = (
      vectors.rows(at: (0..<count).map { Int32(2 * $0) }),
      vectors.rows(at: (0..<count).map { Int32(2 * $0 + 1) })
    )
    // Under the root the square of torch.cosine_similarity's 1e-8, so that no vector divides by 0.
    func norm(_ x: Tensor) -> Tensor { ((x * x).sum(axis: 1, keepsDimension: true) + 1e-16).sqrt() }
    return (first * second).sum(axis: 1, keepsDimension: true) / (norm(first) * norm(second))
  }

  /// The cosine of the two halves of a row.
  package static func cosine(_ row: [Float]) -> Float {
    let (first, second) = (row.prefix(row.count / 2), row.suffix(row.count / 2))
    func dot(_ a: ArraySlice<Float>, _ b: ArraySlice<Float>) -> Double {
      zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let norms = (dot(first, first) * dot(second, second)).squareRoot()
    return norms > 0 ? Float(dot(first, second) / norms) : 0
  }
}

extension TokenPlaces {
  /// The places of the tokens of two texts that are sequences of their own.
  fileprivate init(_ first: Encoding, _ second: Encoding) {
    self.init(
      texts: first.sequenceIndex + second.sequenceIndex.map { $0.map { _ in 1 } },
      offsets: first.offsets + second.offsets)
  }
}
