import Datasets
import Encoders
import Foundation
import Tasks
import Tensors
import TestSupport
import Testing
import Tokenization
import Training

@Suite("Pre-training on text")
struct PretrainingTests {
  private let folder: TemporaryFolder
  private let tokenizer: BertTokenizer
  private let corpus: TokenizedCorpus

  /// Sentences in which each word follows from its neighbours.
  init() throws {
    folder = try TemporaryFolder()
    let words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    tokenizer = BertTokenizer(vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + words))
    let lines = (0..<60).map { line in
      (0..<6).map { words[(line + $0) % 8] }.joined(separator: " ")
    }
    let text = folder.url.appending(path: "text.txt")
    try Data(lines.joined(separator: "\n").utf8).write(to: text)
    try tokenizer.save(to: folder.url)
    corpus = try TokenizedCorpus.open(
      folder.url.appending(path: "train.tokens"),
      of: CorpusSource(paths: [text.path], maxLength: 8, isLineByLine: true), tokenizer: tokenizer,
      directory: folder.url)
  }

  private func model(seed: UInt64 = 1, dropout: Float = 0) throws -> TaskModel {
    var config = EncoderConfig(
      vocabularySize: tokenizer.idLimit, hiddenSize: 32, layerCount: 1, attentionHeads: 2,
      intermediateSize: 64)
    config.head = .maskedLanguageModel
    config.maxPositions = 8
    config.initializerRange = 0.1
    (config.hiddenDropout, config.attentionDropout) = (dropout, dropout)
    return try TaskModel(config: config, seed: seed)
  }

  private var config: TrainingConfig {
    var config = TrainingConfig()
    config.perDeviceTrainBatchSize = 7
    config.learningRate = 5e-3
    config.saveStrategy = .never
    config.loggingSteps = 10
    return config
  }

  @Test("every sequence comes once an epoch, with other tokens hidden in the next")
  func epochs() throws {
    let data = TrainingData(corpus, masker: try TokenMasker(tokenizer: tokenizer), config: config)
    #expect(data.exampleCount == 60 && data.batchCount(0) == 9)
    var hidden: [[Int: Batch]] = []
    for epoch in 0..<2 {
      let batches = data.batches(epoch)
      #expect(batches.count == 9)
      var bySequence: [Int: Batch] = [:]
      for position in batches.joined() {
        let batch = try data.batch([position])
        #expect(try batch == data.batch([position]))
        bySequence[batch.indices[0]] = batch
      }
      #expect(bySequence.keys.sorted() == Array(0..<60))
      hidden.append(bySequence)
    }
    for (index, batch) in hidden[0] {
      // Put back what is hidden, and the text is there.
      let tags = batch.tags
      let ids = zip(batch.tokens.ids, tags).map { $1 == EncodedExample.noLabel ? $0 : $1 }
      #expect(try ids == corpus[index].ids)
      #expect(tags.contains { $0 != EncodedExample.noLabel })
    }
    let same = (0..<60).count { hidden[0][$0]?.tags == hidden[1][$0]?.tags }
    #expect(same < 30)
    #expect(data.batches(0).first != data.batches(1).first)
  }

  @Test("loss, perplexity and accuracy are those of all logits, whatever the batch")
  func evaluation() throws {
    let model = try model()
    let masker = try TokenMasker(tokenizer: tokenizer, seed: 3)
    let result = try evaluateMaskedLanguageModel(model, corpus, masker: masker)
    let batch = try Batch(corpus, masker: masker, at: (0..<corpus.count).map { (0, $0) })
    let logits = model(batch.tokens, in: .inference).logits
    let (values, width, tags) = (logits.values, tokenizer.idLimit, batch.tags)
    var (loss, correct, count) = (0.0, 0, 0)
    for (row, tag) in tags.enumerated() where tag != EncodedExample.noLabel {
      let scores = values[row * width..<(row + 1) * width].map { Double($0) }
      let highest = try #require(scores.max())
      loss += highest + log(scores.reduce(0) { $0 + exp($1 - highest) }) - scores[Int(tag)]
      correct += scores.firstIndex(of: highest) == Int(tag) ? 1 : 0
      count += 1
    }
    // Float32 means of batches against doubles.
    #expect(abs(try #require(result.loss) - loss / Double(count)) < 1e-5)
    #expect(abs(try #require(result.value("eval_perplexity")) - exp(loss / Double(count))) < 1e-3)
    #expect(result.value("eval_accuracy") == Double(correct) / Double(count))
    let other = try evaluateMaskedLanguageModel(model, corpus, masker: masker, batch: .tokens(100))
    #expect(abs((other.loss ?? 0) - (result.loss ?? 1)) < 1e-5)
  }

  @Test("a model learns the words from their neighbours; the best perplexity is the lowest")
  func learning() throws {
    let model = try model()
    var config = config
    config.numTrainEpochs = 60
    config.evalStrategy = .epoch
    config.loadBestModelAtEnd = true
    config.metricForBestModel = "perplexity"
    let trainer = MaskedLanguageTrainer(
      model: model, train: corpus, validation: corpus, masker: try TokenMasker(tokenizer: tokenizer),
      config: config)
    let before = try #require(try trainer.evaluate())
    let summary = try trainer.train()
    let after = try #require(try trainer.evaluate())
    #expect(before.value("eval_accuracy") ?? 1 < 0.4)
    #expect(after.value("eval_accuracy") ?? 0 > 0.9)
    #expect(after.value("eval_perplexity") ?? .infinity < 2)
    #expect(summary.holdsBestWeights && summary.bestMetric == after.value("eval_perplexity"))
  }

  @Test("a resumed run equals the uninterrupted one to the bit")
  func resumption() throws {
    var config = config
    config.maxSteps = 25
    config.saveStrategy = .steps
    config.saveSteps = 5
    config.saveTotalLimit = nil
    func train(_ name: String, from checkpoint: URL? = nil) throws -> [[Float]] {
      let model = try model(seed: checkpoint == nil ? 1 : 99, dropout: 0.1)
      let trainer = MaskedLanguageTrainer(
        model: model, train: corpus, masker: try TokenMasker(tokenizer: tokenizer), config: config,
        checkpoints: CheckpointFolder(folder.url.appending(path: name)))
      _ = try trainer.train(
        resumingFrom: checkpoint.map {
          // From another model, so that nothing but the checkpoint can give the weights.
          ResumePoint(.checkpoint($0), acceptsDifferences: true)
        })
      return model.parameters.map(\.values)
    }
    // Another number of threads gives other last bits.
    try FixedThreads.run {
      let whole = try train("whole")
      // In the second epoch, whose masks differ from those of the first.
      let resumed = try train("resumed", from: folder.url.appending(path: "whole/checkpoint-15"))
      #expect(whole == resumed)
    }
  }

  /// Cuts a file off after the first update.
  private final class Cutter: TrainingObserver {
    private let path: String
    init(_ path: String) { self.path = path }
    func stepDone(_ progress: TrainingProgress) throws { #expect(truncate(path, 16) == 0) }
  }

  @Test("a corpus that becomes shorter while it is read is an error that names it")
  func shrinking() throws {
    let masker = try TokenMasker(tokenizer: tokenizer)
    let trainer = MaskedLanguageTrainer(
      model: try model(), train: corpus, validation: corpus, masker: masker, config: config,
      observers: [Cutter(corpus.path)])
    let error = #expect(throws: DatasetError.self) { try trainer.train() }
    #expect(
      error?.description.contains("train.tokens: cannot be read: it had") == true
        && error?.description.contains("become shorter") == true, "\(String(describing: error))")
    #expect(throws: DatasetError.self) { try trainer.evaluate() }
    #expect(throws: DatasetError.self) { try corpus.contentFingerprint() }
    #expect(corpus.lengths.count == 60)
  }

  @Test("a corpus in which nothing can be hidden is said to be so")
  func nothing() throws {
    let text = folder.url.appending(path: "control.txt")
    try Data("\u{1}\u{2}\n".utf8).write(to: text)
    let empty = try TokenizedCorpus.open(
      folder.url.appending(path: "empty.tokens"),
      of: CorpusSource(paths: [text.path], maxLength: 8, isLineByLine: true), tokenizer: tokenizer,
      directory: folder.url)
    #expect(throws: TrainingError.self) {
      try evaluateMaskedLanguageModel(try model(), empty, masker: try TokenMasker(tokenizer: tokenizer))
    }
  }
}
