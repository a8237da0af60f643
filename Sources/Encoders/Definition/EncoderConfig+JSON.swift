import Foundation
import ModelFormats

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
    var reading = ConfigReading(object)
    guard let architecture = reading.architecture() else {
      try reading.faults.check(file: file)
      preconditionFailure("A model_type that is none has a fault.")
    }
    LookAlike.note(in: object, &reading.faults)
    self = .defaults(of: architecture)
    // Positions may be counted from the padding token's row.
    if let id = reading.integer("pad_token_id") { padTokenID = id }
    for field in family.fields { field.read(&self, &reading) }
    if embeddingSize == hiddenSize { embeddingSize = nil }
    if let ranks = reading.lowRank() { lowRank = ranks }
    if let names = reading.labels() { labels = names }
    problemType = reading.problemType()
    original = object
    head = storedHead ?? .sequenceClassification
    note(&reading.faults)
    try reading.faults.check(file: file)
  }

  /// The configuration as `transformers` reads it: keys it was read with keep their order and, if Potstill does not
  /// know them, their values.
  public var json: JSONValue {
    var object = original
    // It describes the weights that a file holds, and stands there again where a model of integers is saved.
    if QuantizationFormat.isStated(in: object) { object[QuantizationFormat.key] = nil }
    object["architectures"] = [.string(family.className + head.classSuffix)]
    object["model_type"] = .string(architecture.rawValue)
    headForm.write(to: &object)
    for field in family.fields { field.write(self, &object) }
    writeLowRank(to: &object)
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
    // Both spellings exist (version 5 writes `dtype`); a model that is saved in another type than Float32 changes them.
    if object["dtype"] != nil { object["dtype"] = "float32" }
    if object["dtype"] == nil || object["torch_dtype"] != nil { object["torch_dtype"] = "float32" }
    return .object(object)
  }

  /// The head that the source names, nil when it was never read or names none that Potstill knows.
  var storedHead: TaskHead? { TaskHead(of: original) }
}

extension ConfigReading {
  /// The model's family.
  fileprivate mutating func architecture() -> EncoderArchitecture? {
    guard let type = string("model_type") else {
      // The first BERT configurations had no such field.
      return faults.found("model_type") ? nil : .bert
    }
    guard let architecture = EncoderArchitecture(rawValue: type) else {
      let known = EncoderArchitecture.allCases.map(\.rawValue).joined(separator: ", ")
      let kind = Self.generators.contains(type) ? ", which generates text" : ""
      faults.note("model_type", "found \"\(type)\"\(kind), expected one of \(known)")
      return nil
    }
    return architecture
  }

  /// Families that generate text, whose folders people try.
  private static let generators: Set = [
    "bart", "bloom", "deepseek_v3", "falcon", "gemma", "gemma2", "gemma3", "gpt2", "gpt_bigcode", "gpt_neo",
    "gpt_neox", "gptj",
    "llama", "mbart", "mistral", "mixtral", "mt5", "opt", "pegasus", "phi", "phi3", "qwen2", "qwen2_moe",
    "qwen3", "t5",
  ]

  fileprivate mutating func problemType() -> ProblemType? {
    guard let name = string("problem_type") else { return nil }
    let type = ProblemType(rawValue: name)
    if type == nil {
      let known = ProblemType.allCases.map(\.rawValue).joined(separator: ", ")
      faults.note("problem_type", "found \"\(name)\", expected one of \(known)")
    }
    return type
  }

  /// The names of the outputs.
  fileprivate mutating func labels() -> [String]? {
    guard let value = object["id2label"], !value.isNull else {
      return EncoderConfig.defaultLabels(max(0, min(integer("num_labels") ?? 2, 1 << 20)))
    }
    guard let names = value.objectValue else {
      faults.note("id2label", "found \(value.kind), expected an object")
      return nil
    }
    var labels = [String?](repeating: nil, count: names.count)
    for (key, value) in names {
      guard let index = Int(key), labels.indices.contains(index), labels[index] == nil else {
        faults.note(
          "id2label", "found the key \"\(key)\", expected the indices 0 to \(names.count - 1), each once")
        return nil
      }
      // `transformers` takes whole numbers too.
      guard let label = value.stringValue ?? value.intValue.map(String.init) else {
        faults.note("id2label.\(key)", "found \(value.kind), expected a string")
        return nil
      }
      labels[index] = label
    }
    return labels.compactMap(\.self)
  }
}
