import Foundation
import ModelFormats

/// Report on a Hugging Face directory, read from its files: shapes from their headers, and whether all values are finite.
public struct CheckpointReport {
  private let path: String
  private let config: JSONValue
  private let tensors: [TensorInfo]
  /// Whether matrices are 8-bit integers with scales beside them.
  private let isQuantized: Bool
  /// The tensors that hold NaN or infinite values, with their number.
  private let nonFinite: [(name: String, count: Int)]

  /// Reads `config.json` and the headers of the weights.
  ///
  /// - Throws: `FormatError`.
  public init(directory: URL) throws {
    path = directory.path
    config = try CheckpointReader.configuration(in: directory)
    let reader = try CheckpointReader(directory: directory)
    // Buffers of integers, such as position_ids in old files, are no parameters.
    let isQuantized = QuantizationFormat.isStated(in: config.objectValue ?? JSONObject())
    self.isQuantized = isQuantized
    tensors = reader.names.compactMap { reader[$0] }
      .filter { $0.dtype.isReadableAsFloat || (isQuantized && $0.dtype == .int8) }
    var nonFinite: [(name: String, count: Int)] = []
    for tensor in tensors where tensor.dtype.isReadableAsFloat {
      let count = try reader.nonFiniteCount(tensor.name)
      if count > 0 { nonFinite.append((tensor.name, count)) }
    }
    self.nonFinite = nonFinite
  }

  /// Fault of the weights, in a sentence; nil when there is none.
  public var warning: String? {
    guard !nonFinite.isEmpty else { return nil }
    let shown = nonFinite.prefix(4).map { "\(printable($0.name, atMost: 200)): \($0.count) values" }.joined(
      separator: ", ")
    return
      "\(path): the weights hold NaN or infinite values (\(shown)\(nonFinite.count > 4 ? ", …" : "")) in "
      + "\(nonFinite.count) of \(tensors.count) tensors"
  }

  /// The tensors but for scales, which belong to their integers.
  private var parameters: [TensorInfo] {
    let scales = Set(
      tensors.lazy.filter { $0.dtype == .int8 }.map { QuantizationFormat.scaleName($0.name) })
    return tensors.filter { !scales.contains($0.name) }
  }
  private var parameterCount: Int { parameters.reduce(0) { $0 + $1.count } }
  /// The type that most floats lie in, where it is not `float32`.
  private var storedType: String {
    let type = SaveDType(ofMost: tensors)
    return isQuantized || type == .float32 ? "" : " in \(type.rawValue)"
  }
  private var fileBytes: Int { tensors.reduce(0) { $0 + $1.byteRange.count } }

  /// Number that the configuration has for a property of encoders, under its family's name; nil where it has none.
  private func number(_ path: PartialKeyPath<EncoderConfig>) -> Int? {
    let own = config["model_type"]?.stringValue.flatMap { EncoderArchitecture(rawValue: $0) }
    // A model of another type may have a field under any family's name.
    let families = [own].compactMap(\.self) + EncoderArchitecture.allCases
    return families.lazy.compactMap { config[$0.key(path)]?.intValue }.first
  }

  /// Shape of a Transformer; nil for other encoders.
  private var cost: EncoderCost? {
    guard let layers = number(\.layerCount), let hidden = number(\.hiddenSize),
      let intermediate = number(\.intermediateSize), let heads = number(\.attentionHeads)
    else { return nil }
    return EncoderCost(layers: layers, hiddenSize: hidden, intermediateSize: intermediate, heads: heads)
  }

  /// The number of heads of a layer, the least and the most where layers differ; nil without attention.
  private var heads: String? {
    let counts = (try? EncoderConfig(json: config)).map { $0.attentionHeads > 0 ? $0.headCounts : [] } ?? []
    guard let least = counts.min(), let most = counts.max() else {
      return number(\.attentionHeads).map { String($0) }
    }
    return least == most ? String(most) : "\(least) to \(most)"
  }

  /// Sequences of the batch by which the memory of a training step is told.
  private static let sequences = 32
  /// Tokens of each: 128, or what the model reads.
  private var length: Int { min(128, max(1, number(\.maxPositions) ?? 128)) }

  /// Operations of the encoder for each token; nil for what is no Transformer.
  private var operationsPerToken: Int? {
    cost.map {
      EncoderCost.matrixOperations(tensors.map { ($0.name, $0.shape) })
        + $0.attentionOperations(sequenceLength: length)
    }
  }

  /// Bytes of a training step with AdamW; nil for what is no Transformer.
  private var trainingBytes: Int? {
    cost?.trainingBytes(
      parameters: parameterCount, tokens: Self.sequences * length, sequenceLength: length)
  }

  /// The labels of the head in the order of its outputs.
  private var labels: [String] {
    let names = config["id2label"]?.objectValue ?? JSONObject()
    return names.map { ($0.key, $0.value.stringValue ?? "") }
      .sorted { (Int($0.0) ?? 0) < (Int($1.0) ?? 0) }.map(\.1)
  }

  /// The report for machines.
  public var json: JSONObject {
    var object = JSONObject()
    object["path"] = .string(path)
    object["parameters"] = .integer(parameterCount)
    object["bytes"] = .integer(fileBytes)
    object["sequence_length"] = .integer(length)
    object["flops_per_token"] = operationsPerToken.map { .integer($0) }
    object["training_step_bytes"] = trainingBytes.map { .integer($0) }
    if !nonFinite.isEmpty {
      var counts = JSONObject()
      for (name, count) in nonFinite { counts[name] = .integer(count) }
      object["nonfinite"] = .object(counts)
    }
    object["config"] = config
    object["tensors"] = .array(
      tensors.map { tensor in
        var entry = JSONObject()
        entry["name"] = .string(tensor.name)
        entry["dtype"] = .string(tensor.dtype.rawValue)
        entry["shape"] = .array(tensor.shape.map { .integer($0) })
        return .object(entry)
      })
    return object
  }

  /// Two lines of facts before the tree.
  public var summary: String {
    func fact(_ path: PartialKeyPath<EncoderConfig>, _ unit: String) -> String? {
      number(path).map { "\($0) \(unit)" }
    }
    let facts = [
      config["model_type"]?.stringValue, fact(\.layerCount, "layers"), fact(\.hiddenSize, "wide"),
      heads.map { $0 + " heads" },
      fact(\.vocabularySize, "tokens in the vocabulary"), fact(\.maxPositions, "positions"),
    ].compactMap { $0 }
    let factorised = config[EncoderConfig.lowRankKey]?.objectValue?.count ?? 0
    let sizes =
      (factorised == 0 ? [] : ["\(factorised) matrices as two thin ones (\(EncoderConfig.lowRankKey))"])
      + ["\(grouped(parameterCount)) parameters", megabytes(fileBytes) + " MB on disk\(storedType)"]
      + (isQuantized
        ? ["matrices in 8-bit integers (\(QuantizationFormat.name)), which are not trained"]
        : [
          megabytes(4 * parameterCount) + " MB in memory",
          megabytes(16 * parameterCount) + " MB with gradients and AdamW's state",
        ])
    var lines = ["\(path): \(facts.joined(separator: ", "))", sizes.joined(separator: ", ")]
    if let operationsPerToken, let trainingBytes, !isQuantized {
      lines.append(
        "\(grouped(operationsPerToken)) FLOPs a token in sequences of \(length), about "
          + "\(megabytes(trainingBytes)) MB in a training step of \(Self.sequences) of them with AdamW")
    }
    if !labels.isEmpty { lines.append("labels: \(labels.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }

  /// The parameter tree, alike layers told once: name, shape, values, share of all in per cent and MB of each line.
  public var rows: [[String]] {
    ParameterTree(parameters).rows.map { row in
      let share = 100 * Double(row.count) / Double(max(1, parameterCount))
      return [
        String(repeating: "  ", count: row.depth) + row.name,
        row.shape.map { "[" + $0.map(String.init).joined(separator: ", ") + "]" } ?? "",
        grouped(row.count), String(format: "%.1f", share), megabytes(row.bytes),
      ]
    }
  }
}
