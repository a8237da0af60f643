import Foundation
import ModelFormats

/// Report on a Hugging Face directory, read from its files: shapes from their headers, and whether all values are finite.
public struct CheckpointReport {
  private let path: String
  private let config: JSONValue
  private let tensors: [TensorInfo]
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
    tensors = reader.names.compactMap { reader[$0] }.filter { $0.dtype.isReadableAsFloat }
    var nonFinite: [(name: String, count: Int)] = []
    for tensor in tensors {
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

  private var parameterCount: Int { tensors.reduce(0) { $0 + $1.count } }
  private var fileBytes: Int { tensors.reduce(0) { $0 + $1.byteRange.count } }

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
    let type = config["model_type"]?.stringValue
    let own = type.flatMap { EncoderArchitecture(rawValue: $0) }
    // A model of another type may have a field under any family's name.
    let families = [own].compactMap(\.self) + EncoderArchitecture.allCases
    func fact(_ path: PartialKeyPath<EncoderConfig>, _ unit: String) -> String? {
      families.lazy.compactMap { config[$0.key(path)]?.intValue }.first.map { "\($0) \(unit)" }
    }
    let facts = [
      type, fact(\.layerCount, "layers"), fact(\.hiddenSize, "wide"), fact(\.attentionHeads, "heads"),
      fact(\.vocabularySize, "tokens in the vocabulary"), fact(\.maxPositions, "positions"),
    ].compactMap { $0 }
    let sizes = [
      "\(grouped(parameterCount)) parameters", megabytes(fileBytes) + " MB on disk",
      megabytes(4 * parameterCount) + " MB in memory",
      megabytes(16 * parameterCount) + " MB with gradients and AdamW's state",
    ]
    var lines = ["\(path): \(facts.joined(separator: ", "))", sizes.joined(separator: ", ")]
    if !labels.isEmpty { lines.append("labels: \(labels.joined(separator: ", "))") }
    return lines.joined(separator: "\n")
  }

  /// The parameter tree, alike layers told once: name, shape, values and MB of each line.
  public var rows: [[String]] {
    ParameterTree(tensors).rows.map { row in
      [
        String(repeating: "  ", count: row.depth) + row.name,
        row.shape.map { "[" + $0.map(String.init).joined(separator: ", ") + "]" } ?? "",
        grouped(row.count), megabytes(4 * row.count),
      ]
    }
  }
}
