import Foundation
import Potstill
import TestSupport
import Testing

/// The answers of `Classifier`, `Tagger` and `Reader`, from folders as a user has them.
@Suite struct PredictorTests {
  /// An actor of a service, which Swift 6 lets hold and hand on a classifier as it is.
  private actor Service {
    private let classifier: Classifier
    init(_ classifier: Classifier) { self.classifier = classifier }
    func label(_ text: String) throws -> Classifier.Prediction { try classifier(text) }
  }

  private func folder(_ head: TaskHead, labels: [String]) throws -> TemporaryFolder {
    let vocabulary = try Vocabulary(contentsOf: Fixtures.url("tokenization/vocab.txt"))
    let tokenizer = BertTokenizer(vocabulary: vocabulary)
    var config = EncoderConfig(
      vocabularySize: vocabulary.idLimit, hiddenSize: 16, layerCount: 1, attentionHeads: 2,
      intermediateSize: 32)
    (config.head, config.labels, config.initializerRange, config.maxPositions) = (head, labels, 0.5, 64)
    let folder = try TemporaryFolder()
    try TaskModel(config: config, seed: 5).save(to: folder.url, tokenizer: tokenizer)
    return folder
  }

  private let texts = ["a fine film", "no plot, no wit", "北京 is far", ""]

  @Test func aClassifierAnswersAsItsModelDoes() throws {
    let folder = try folder(.sequenceClassification, labels: ["bad", "fair", "good"])
    let classifier = try Classifier(directory: folder.url)
    let answers = try classifier(texts)
    let model = try TaskModel(directory: folder.url)
    let tokenizer = try loadTokenizer(directory: folder.url)
    #expect(classifier.labels == ["bad", "fair", "good"] && answers.count == texts.count)
    #expect(Set(answers.map(\.score)).count == texts.count)
    for (text, answer) in zip(texts, answers) {
      let encoded = tokenizer.encode(text)
      let batch = TokenBatch(sequences: [(encoded.ids, encoded.segments)])
      let logits = model(batch, in: .inference).logits
      let expected = logits.softmax().values.map { Double($0) }
      #expect(zip(answer.probabilities, expected).allSatisfy { abs($0 - $1) < 1e-5 }, "\(text)")
      let best = try #require(expected.indices.max { expected[$0] < expected[$1] })
      #expect(answer.label == classifier.labels[best] && answer.labels == [answer.label])
      #expect(answer.score == answer.probabilities.max())
    }
  }

  @Test func anActorAnswersManyAtOnce() async throws {
    let folder = try folder(.sequenceClassification, labels: ["bad", "good"])
    let classifier = try Classifier(directory: folder.url)
    let alone = try texts.map { try classifier($0) }
    let services = [Service(classifier), Service(classifier)]
    try await withThrowingTaskGroup(of: (Int, Classifier.Prediction).self) { group in
      for round in 0..<40 {
        let (service, place) = (services[round % 2], round % texts.count)
        let text = texts[place]
        group.addTask { (place, try await service.label(text)) }
      }
      for try await (place, answer) in group {
        #expect(answer.label == alone[place].label && abs(answer.score - alone[place].score) < 1e-6)
      }
    }
  }

  @Test func aTaggerFindsEntitiesWithTheirPlaces() throws {
    let folder = try folder(.tokenClassification, labels: ["O", "B-PER", "I-PER", "B-LOC", "I-LOC"])
    let tagger = try Tagger(directory: folder.url)
    let found = try tagger(texts)
    #expect(found.count == texts.count && found.contains { !$0.isEmpty } && found[3].isEmpty)
    for (text, entities) in zip(texts, found) {
      let scalars = Array(text.unicodeScalars)
      for entity in entities {
        #expect(["PER", "LOC"].contains(entity.type) && entity.score > 0.2 && entity.score <= 1)
        #expect(String(String.UnicodeScalarView(scalars[entity.range])) == entity.text)
      }
    }
    // Company changes the last bits of a score, nothing else.
    let alone = try tagger(texts[0])
    #expect(alone.map(\.range) == found[0].map(\.range) && alone.map(\.type) == found[0].map(\.type))
  }

  @Test func aReaderAnswersWithPiecesOfThePassage() throws {
    let folder = try folder(.questionAnswering, labels: ["LABEL_0", "LABEL_1"])
    let reader = try Reader(directory: folder.url)
    let passage = "The report was written by Ada in the town of 北京."
    let answer = try reader("Who wrote it?", in: passage)
    let range = try #require(answer.range)
    #expect(String(String.UnicodeScalarView(Array(passage.unicodeScalars)[range])) == answer.text)
    #expect(answer.score > 0 && answer.score <= 1 && answer.nullScoreDiff == nil && !answer.text.isEmpty)
    let doubtful = try Reader(
      directory: folder.url,
      settings: QuestionSettings(version2WithNegative: true, nullScoreDiffThreshold: -1e9))
    let none = try doubtful("Who wrote it?", in: passage)
    #expect(none.text.isEmpty && none.range == nil && none.nullScoreDiff != nil)
  }

  @Test func aModelOfAnotherTaskIsRefusedByName() throws {
    let folder = try folder(.tokenClassification, labels: ["O", "B-PER", "I-PER"])
    for make in [{ _ = try Classifier(directory: $0) }, { _ = try Reader(directory: $0) }]
      as [(URL) throws -> Void]
    {
      let error = #expect(throws: TaskError.self) { try make(folder.url) }
      #expect(error?.description.hasPrefix(folder.url.path) == true, "\(String(describing: error))")
    }
  }
}
