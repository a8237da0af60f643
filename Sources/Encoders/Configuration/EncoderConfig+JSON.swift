import Foundation
import ModelFormats
import Tensors

extension EncoderConfig {
  /// Reads `config.json` of a model directory.
  ///
  /// - Throws: `ModelError.format` when the file cannot be read, `ModelError.configuration` when a field is wrong.
  public init(directory: URL) throws(ModelError) {
    let url = directory.appending(path: "config.json")
    let document: JSONValue
    do throws(FormatError) { document = try JSONValue(contentsOf: url) } catch { throw .format(error) }
    try self.init(json: document, file: url.path)
  }

  /// Reads a configuration of `transformers`' BERT; fields it leaves out have BERT's defaults.
  ///
  /// - Parameters:
  ///   - json: The object in `config.json`.
  ///   - file: The name that errors carry.
  /// - Throws: `ModelError.configuration` naming the field.
  public init(json: JSONValue, file: String = "config.json") throws(ModelError) {
    guard let object = json.objectValue else {
      throw .configuration(
        file: file, field: "the document", problem: "found \(json.kind), expected an object")
    }
    let fields = ConfigFields(object: object, file: file)
    try fields.checkArchitecture()
    self.init(
      vocabularySize: try fields.integer("vocab_size", 30522),
      hiddenSize: try fields.integer("hidden_size", 768),
      layerCount: try fields.integer("num_hidden_layers", 12),
      attentionHeads: try fields.integer("num_attention_heads", 12),
      intermediateSize: try fields.integer("intermediate_size", 3072))
    activation = try fields.activation("hidden_act", .gelu)
    hiddenDropout = try fields.number("hidden_dropout_prob") ?? 0.1
    attentionDropout = try fields.number("attention_probs_dropout_prob") ?? 0.1
    classifierDropout = try fields.number("classifier_dropout")
    maxPositions = try fields.integer("max_position_embeddings", 512)
    segmentCount = try fields.integer("type_vocab_size", 2)
    initializerRange = try fields.number("initializer_range") ?? 0.02
    layerNormEpsilon = try fields.number("layer_norm_eps") ?? 1e-12
    padTokenID = try fields.integer("pad_token_id", 0)
    labels = try fields.labels()
    problemType = try fields.string("problem_type")
    original = object
    try check(file: file)
  }

  /// The configuration as `transformers` reads it: keys it was read with keep their order and, if Potstill does not
  /// know them, their values.
  public var json: JSONValue {
    var object = original
    object["architectures"] = ["BertForSequenceClassification"]
    object["model_type"] = "bert"
    object["vocab_size"] = .integer(vocabularySize)
    object["hidden_size"] = .integer(hiddenSize)
    object["num_hidden_layers"] = .integer(layerCount)
    object["num_attention_heads"] = .integer(attentionHeads)
    object["intermediate_size"] = .integer(intermediateSize)
    object["hidden_act"] = .string(activationName)
    object.setFloat("hidden_dropout_prob", hiddenDropout)
    object.setFloat("attention_probs_dropout_prob", attentionDropout)
    if let classifierDropout {
      object.setFloat("classifier_dropout", classifierDropout)
    } else if object["classifier_dropout"] != nil {
      object["classifier_dropout"] = .null
    }
    object["max_position_embeddings"] = .integer(maxPositions)
    object["type_vocab_size"] = .integer(segmentCount)
    object.setFloat("initializer_range", initializerRange)
    object.setFloat("layer_norm_eps", layerNormEpsilon)
    if object["pad_token_id"] != nil || padTokenID != 0 || original.isEmpty {
      object["pad_token_id"] = .integer(padTokenID)
    }
    object["num_labels"] = nil  // follows from id2label
    var (byIndex, byLabel) = (JSONObject(), JSONObject())
    for (index, label) in labels.enumerated() {
      byIndex[String(index)] = .string(label)
      byLabel[label] = .integer(index)
    }
    object["id2label"] = .object(byIndex)
    object["label2id"] = .object(byLabel)
    if let problemType { object["problem_type"] = .string(problemType) } else { object["problem_type"] = nil }
    // Both spellings exist (version 5 writes `dtype`); whatever the source was stored in, Potstill writes Float32.
    if object["dtype"] != nil { object["dtype"] = "float32" }
    if object["dtype"] == nil || object["torch_dtype"] != nil { object["torch_dtype"] = "float32" }
    return .object(object)
  }

  /// The name in the source, which may be a synonym, as long as it means the activation in use.
  private var activationName: String {
    if let name = original["hidden_act"]?.stringValue, Activation(huggingFaceName: name) == activation {
      return name
    }
    return activation == .identity ? "linear" : activation.rawValue
  }
}

extension JSONObject {
  /// Writes a Float by its shortest decimal digits, and not at all when the text already means this Float.
  fileprivate mutating func setFloat(_ key: String, _ value: Float) {
    if let old = self[key]?.doubleValue, Float(old) == value { return }
    self[key] = .double(Double("\(value)") ?? Double(value))
  }
}

/// Typed access to the fields of a `config.json`.
private struct ConfigFields {
  let object: JSONObject
  let file: String

  func integer(_ field: String, _ initial: Int) throws(ModelError) -> Int {
    guard let value = object[field], !value.isNull else { return initial }
    guard let integer = value.intValue else {
      throw fault(field, "found \(value.compactText), expected a whole number")
    }
    return integer
  }

  func number(_ field: String) throws(ModelError) -> Float? {
    guard let value = object[field], !value.isNull else { return nil }
    guard let number = value.doubleValue, Float(number).isFinite else {
      throw fault(field, "found \(value.compactText), expected a number")
    }
    return Float(number)
  }

  func string(_ field: String) throws(ModelError) -> String? {
    guard let value = object[field], !value.isNull else { return nil }
    guard let string = value.stringValue else { throw fault(field, "found \(value.kind), expected a string") }
    return string
  }

  func activation(_ field: String, _ initial: Activation) throws(ModelError) -> Activation {
    guard let name = try string(field) else { return initial }
    guard let activation = Activation(huggingFaceName: name) else {
      let known = Activation.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault(field, "unknown activation \"\(name)\", expected one of \(known)")
    }
    return activation
  }

  /// Refuses what would load and then compute something else than the checkpoint means.
  func checkArchitecture() throws(ModelError) {
    let type = try string("model_type") ?? "bert"  // the first BERT configurations had no such field
    guard type == "bert" else { throw fault("model_type", "found \"\(type)\", expected \"bert\"") }
    let positions = try string("position_embedding_type") ?? "absolute"
    guard positions == "absolute" else {
      throw fault("position_embedding_type", "found \"\(positions)\", expected \"absolute\"")
    }
    for field in ["is_decoder", "add_cross_attention"] where object[field]?.boolValue == true {
      throw fault(field, "found true, expected false: decoders are not supported")
    }
  }

  func labels() throws(ModelError) -> [String] {
    guard let value = object["id2label"], !value.isNull else {
      return (0..<max(0, min(try integer("num_labels", 2), 1 << 20))).map { "LABEL_\($0)" }
    }
    guard let names = value.objectValue else {
      throw fault("id2label", "found \(value.kind), expected an object")
    }
    var labels = [String?](repeating: nil, count: names.count)
    for (key, value) in names {
      guard let index = Int(key), labels.indices.contains(index), labels[index] == nil else {
        throw fault(
          "id2label", "found the key \"\(key)\", expected the indices 0 to \(names.count - 1), each once")
      }
      guard let label = value.stringValue else {
        throw fault("id2label.\(key)", "found \(value.kind), expected a string")
      }
      labels[index] = label
    }
    return labels.compactMap(\.self)
  }

  func fault(_ field: String, _ problem: String) -> ModelError {
    .configuration(file: file, field: field, problem: problem)
  }
}
