import Encoders
import Foundation
import ModelFormats
import TestSupport
import Testing

@Suite struct EncoderConfigTests {
  @Test func unknownKeysSurviveInOrder() throws {
    let url = Fixtures.url("encoders/classifier/config.json")
    let before = try JSONValue(contentsOf: url)
    let config = try EncoderConfig(json: before)
    // Everything in this file is as Potstill writes it, so nothing may change.
    #expect(config.json == before)
    #expect(config.labels == ["contradiction", "neutral", "entailment"])
    #expect(config.problemType == .singleLabel)
    #expect(config.json["custom"]?["big"] == .largeInteger("1000000000000000000000000000000"))
  }

  @Test func changesAreWritten() throws {
    var config = try EncoderConfig(
      json: [
        "torch_dtype": "float16", "hidden_size": 96, "x": [1], "num_labels": 3, "hidden_dropout_prob": 0.1,
        "hidden_act": "swish", "id2label": ["1": "b", "0": "a"], "label2id": ["b": 0, "a": 1],
      ])
    #expect(config.labels == ["a", "b"])
    config.layerCount = 3
    config.labels = ["no", "yes", "maybe"]
    config.classifierDropout = 0.25
    let json = config.json
    #expect(json.objectValue?.keys.prefix(3) == ["torch_dtype", "hidden_size", "x"])
    #expect(json["torch_dtype"] == "float32")
    #expect(json["num_hidden_layers"] == 3)
    #expect(json["hidden_act"] == "swish")
    #expect(json["classifier_dropout"] == 0.25)
    #expect(json["layer_norm_eps"] == 1e-12)
    #expect(json["num_labels"] == nil)
    #expect(json["id2label"] == ["0": "no", "1": "yes", "2": "maybe"])
    #expect(json["label2id"] == ["no": 0, "yes": 1, "maybe": 2])
    #expect(json["architectures"] == ["BertForSequenceClassification"])
    #expect(try EncoderConfig(json: json).json == json)
  }

  @Test func fieldsLeftOutHaveDefaults() throws {
    let config = try EncoderConfig(json: [:])
    #expect(config.vocabularySize == 30522 && config.hiddenSize == 768 && config.layerCount == 12)
    #expect(config.labels == ["LABEL_0", "LABEL_1"])
    #expect(try EncoderConfig(json: ["num_labels": 3]).labels == ["LABEL_0", "LABEL_1", "LABEL_2"])
  }

  @Test func defaultsFollowTheModelType() throws {
    let roberta = try EncoderConfig(json: ["model_type": "roberta"])
    #expect(roberta.vocabularySize == 50265 && roberta.padTokenID == 1 && roberta.maxPositions == 510)
    let electra = try EncoderConfig(json: ["model_type": "electra"])
    #expect(electra.embeddingSize == 128 && electra.hiddenSize == 256 && electra.attentionHeads == 4)
    #expect(electra.intermediateSize == 1024 && electra.layerCount == 12)
    let distilbert = try EncoderConfig(json: ["model_type": "distilbert"])
    #expect(distilbert.layerCount == 6 && distilbert.hiddenSize == 768 && distilbert.intermediateSize == 3072)
    #expect(distilbert.segmentCount == 0 && distilbert.classifierDropout == 0.2)
    for config in [roberta, electra, distilbert] {
      #expect(try EncoderConfig(json: config.json).json == config.json)
    }
    #expect(electra.json["embedding_size"] == 128 && roberta.json["max_position_embeddings"] == 512)
    #expect(try EncoderConfig(json: ["model_type": "electra", "embedding_size": 256]).embeddingSize == nil)
  }

  @Test(
    arguments: [
      ("model_type", "albert"), ("position_embedding_type", "relative_key"), ("is_decoder", true),
      ("hidden_size", 0), ("hidden_size", 1.5), ("hidden_size", "64"), ("vocab_size", -1),
      ("num_hidden_layers", 9_223_372_036_854_775_807), ("num_attention_heads", 7), ("hidden_act", "maxout"),
      ("hidden_act", 1), ("hidden_dropout_prob", 1), ("hidden_dropout_prob", "0.1"),
      ("classifier_dropout", -0.1),
      ("layer_norm_eps", 0), ("layer_norm_eps", 1e300), ("initializer_range", -1), ("id2label", ["a"]),
      ("id2label", [:]),
      ("id2label", ["0": "a", "2": "b"]), ("id2label", ["0": "a", "00": "b"]),
      ("id2label", ["0": "a", "1": "a"]),
      ("id2label", ["-1": "a"]), ("problem_type", 1),
    ] as [(String, JSONValue)])
  func faultyFieldsAreNamed(_ field: String, _ value: JSONValue) throws {
    var object = JSONObject()
    object[field] = value
    do throws(ModelError) {
      _ = try EncoderConfig(json: .object(object), file: "c.json")
      Issue.record("accepted \(value.compactText)")
    } catch {
      guard case .configuration("c.json", field, _) = error else {
        Issue.record("\(error)")
        return
      }
    }
  }

  @Test func otherDocumentsAreRefused() {
    #expect(throws: ModelError.self) { try EncoderConfig(json: [1]) }
    #expect(throws: ModelError.self) { try EncoderConfig(json: ["id2label": ["0": [1]]]) }
    #expect(throws: ModelError.self) { try EncoderConfig(directory: Fixtures.url("encoders/none")) }
  }

  private func fault(_ json: JSONValue) -> String {
    do throws(ModelError) { _ = try EncoderConfig(json: json, file: "c.json") } catch {
      return error.description
    }
    return ""
  }

  @Test func allFaultsComeInOneError() {
    let text = fault([
      "hidden_size": "64", "num_attention_heads": 0, "hidden_act": "maxout", "is_decoder": true,
      "classifier_dropout": 2, "id2label": [:], "problem_type": "ranking",
    ])
    let lines = text.split(separator: "\n")
    #expect(lines.allSatisfy { $0.hasPrefix("c.json: ") })
    #expect(
      Set(lines.map { $0.dropFirst(8).prefix { $0 != ":" } }) == [
        "hidden_size", "num_attention_heads", "hidden_act", "is_decoder", "classifier_dropout", "id2label",
        "problem_type",
      ], "\(text)")
    #expect(lines.count == 7)
  }

  @Test func aWrongNumberIsOneFault() {
    #expect(
      fault(["hidden_size": -1]) == "c.json: hidden_size: found -1, expected a whole number from 1")
    #expect(
      fault(["model_type": "roberta", "vocab_size": -1])
        == "c.json: vocab_size: found -1, expected a whole number from 1")
    #expect(
      fault(["model_type": "roberta", "pad_token_id": 60_000])
        == "c.json: pad_token_id: found 60000, expected one of the 50265 ids: positions are counted from it")
    #expect(
      fault(["model_type": "roberta", "max_position_embeddings": 2])
        == "c.json: max_position_embeddings: found 2, expected a whole number from 3")
    #expect(
      fault(["model_type": "textcnn", "kernel_sizes": []])
        == "c.json: kernel_sizes: found [], expected widths in 1 to 255")
    #expect(
      fault(["model_type": "textcnn", "hidden_size": 100])
        == "c.json: hidden_size: found 100, expected a multiple of the 3 widths, which have as many filters each"
    )
  }
}
