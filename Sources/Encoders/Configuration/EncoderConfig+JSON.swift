import Foundation
import ModelFormats
import Tensors

extension EncoderConfig {
  /// Reads `config.json` of a model directory.
  ///
  /// - Throws: `ModelError.format` when the file cannot be read, which says how to convert a TensorFlow checkpoint that
  ///   is there instead, `ModelError.configuration` when a field is wrong.
  public init(directory: URL) throws(ModelError) {
    let url = directory.appending(path: "config.json")
    let document: JSONValue
    do throws(FormatError) { document = try CheckpointReader.configuration(in: directory) } catch {
      throw .format(error)
    }
    try self.init(json: document, file: url.path)
  }

  /// Reads a configuration of `transformers`; fields it leaves out have the defaults of its `model_type`.
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
    self = .defaults(of: try fields.architecture())
    let names = architecture.fields
    vocabularySize = try fields.integer("vocab_size", vocabularySize)
    hiddenSize = try fields.integer(names.hiddenSize, hiddenSize)
    layerCount = try fields.integer(names.layerCount, layerCount)
    if architecture.isTransformer {
      attentionHeads = try fields.integer(names.attentionHeads, attentionHeads)
      intermediateSize = try fields.integer(names.intermediateSize, intermediateSize)
      activation = try fields.activation(names.activation, activation)
      attentionDropout = try fields.number(names.attentionDropout) ?? attentionDropout
    }
    hiddenDropout = try fields.number(names.hiddenDropout) ?? hiddenDropout
    classifierDropout = try fields.number(names.classifierDropout) ?? classifierDropout
    initializerRange = try fields.number("initializer_range") ?? initializerRange
    padTokenID = try fields.integer("pad_token_id", padTokenID)
    // Wraps around for absurd numbers, which `check()` then finds out of range.
    maxPositions = try fields.integer("max_position_embeddings", 512) &- positionOffset
    if architecture == .textcnn { kernelSizes = try fields.integers("kernel_sizes", kernelSizes) }
    if architecture.namesEmbeddingSize {
      let size = try fields.integer("embedding_size", embeddingSize ?? hiddenSize)
      embeddingSize = size == hiddenSize ? nil : size
    }
    // DistilBERT's code has no segments and a fixed epsilon.
    if architecture.isTransformer, architecture != .distilbert {
      segmentCount = try fields.integer("type_vocab_size", segmentCount)
      layerNormEpsilon = try fields.number("layer_norm_eps") ?? layerNormEpsilon
    }
    if architecture == .distilbert { answerDropout = try fields.number("qa_dropout") ?? answerDropout }
    labels = try fields.labels()
    problemType = try fields.problemType()
    original = object
    head = storedHead ?? .sequenceClassification
    try check(file: file)
  }

  /// The configuration as `transformers` reads it: keys it was read with keep their order and, if Potstill does not
  /// know them, their values.
  public var json: JSONValue {
    var object = original
    let names = architecture.fields
    object["architectures"] = [.string(architecture.className + head.classSuffix)]
    object["model_type"] = .string(architecture.rawValue)
    object["vocab_size"] = .integer(vocabularySize)
    if architecture.namesEmbeddingSize { object["embedding_size"] = .integer(embeddingSize ?? hiddenSize) }
    object[names.hiddenSize] = .integer(hiddenSize)
    object[names.layerCount] = .integer(layerCount)
    if architecture.isTransformer {
      object[names.attentionHeads] = .integer(attentionHeads)
      object[names.intermediateSize] = .integer(intermediateSize)
      object[names.activation] = .string(activationName)
    }
    if architecture == .textcnn { object["kernel_sizes"] = .array(kernelSizes.map { .integer($0) }) }
    object.setFloat(names.hiddenDropout, hiddenDropout)
    if architecture.isTransformer { object.setFloat(names.attentionDropout, attentionDropout) }
    // DistilBERT's does not follow hiddenDropout when it is left out.
    if let classifierDropout = classifierDropout ?? (architecture == .distilbert ? hiddenDropout : nil) {
      object.setFloat(names.classifierDropout, classifierDropout)
    } else if object[names.classifierDropout] != nil {
      object[names.classifierDropout] = .null
    }
    if architecture == .distilbert { object.setFloat("qa_dropout", answerDropout) }
    object["max_position_embeddings"] = .integer(maxPositions + positionOffset)
    object.setFloat("initializer_range", initializerRange)
    if architecture.isTransformer, architecture != .distilbert {
      object["type_vocab_size"] = .integer(segmentCount)
      object.setFloat("layer_norm_eps", layerNormEpsilon)
    }
    if object["pad_token_id"] != nil || original.isEmpty
      || padTokenID != EncoderConfig.defaults(of: architecture).padTokenID
    {
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
    object["problem_type"] = problemType.map { .string($0.rawValue) }
    // Both spellings exist (version 5 writes `dtype`); whatever the source was stored in, Potstill writes Float32.
    if object["dtype"] != nil { object["dtype"] = "float32" }
    if object["dtype"] == nil || object["torch_dtype"] != nil { object["torch_dtype"] = "float32" }
    return .object(object)
  }

  /// The head that the source names, nil when it was never read or names none that Potstill knows.
  var storedHead: TaskHead? {
    original["architectures"]?.arrayValue?.lazy.compactMap(\.stringValue).compactMap(
      TaskHead.init(className:)
    )
    .first
  }

  /// The name in the source, which may be a synonym, as long as it means the activation in use.
  private var activationName: String {
    if let name = original[architecture.fields.activation]?.stringValue,
      Activation(huggingFaceName: name) == activation
    {
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

  func integers(_ field: String, _ initial: [Int]) throws(ModelError) -> [Int] {
    guard let value = object[field], !value.isNull else { return initial }
    guard let values = value.arrayValue, values.allSatisfy({ $0.intValue != nil }) else {
      throw fault(field, "found \(value.compactText), expected a list of whole numbers")
    }
    return values.compactMap(\.intValue)
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

  /// The model's family; refuses what would load and then compute something else than the checkpoint means.
  func architecture() throws(ModelError) -> EncoderArchitecture {
    let type = try string("model_type") ?? "bert"  // the first BERT configurations had no such field
    guard let architecture = EncoderArchitecture(rawValue: type) else {
      let known = EncoderArchitecture.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("model_type", "found \"\(type)\", expected one of \(known)")
    }
    let positions = try string("position_embedding_type") ?? "absolute"
    guard positions == "absolute" else {
      throw fault("position_embedding_type", "found \"\(positions)\", expected \"absolute\"")
    }
    for field in ["is_decoder", "add_cross_attention"] where object[field]?.boolValue == true {
      throw fault(field, "found true, expected false: decoders are not supported")
    }
    return architecture
  }

  func problemType() throws(ModelError) -> ProblemType? {
    guard let name = try string("problem_type") else { return nil }
    guard let type = ProblemType(rawValue: name) else {
      let known = ProblemType.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("problem_type", "found \"\(name)\", expected one of \(known)")
    }
    return type
  }

  func labels() throws(ModelError) -> [String] {
    guard let value = object["id2label"], !value.isNull else {
      return EncoderConfig.defaultLabels(max(0, min(try integer("num_labels", 2), 1 << 20)))
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
      // `transformers` takes whole numbers too.
      guard let label = value.stringValue ?? value.intValue.map(String.init) else {
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
