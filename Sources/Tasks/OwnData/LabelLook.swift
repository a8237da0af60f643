import Datasets
import Foundation
import ModelFormats

/// Look at the values of the column of labels: what kind of task they make, and which labels there are.
struct LabelLook {
  /// Values with the white space around them, in the order of the files.
  private let raw: [String]
  /// Lists of labels, where values are lists.
  private let lists: [[String]]
  private let flags: [ColumnReference]

  /// The values of a column in each file.
  init(_ files: [[JSONValue?]]) {
    let values = files.flatMap { $0 }.compactMap { $0 }
    raw = values.compactMap { $0.stringValue ?? ($0.arrayValue == nil ? $0.compactText : nil) }
      .filter { !$0.allSatisfy(\.isWhitespace) }
    lists = values.compactMap(\.arrayValue).map { $0.compactMap { $0.stringValue ?? $0.compactText } }
    flags = []
  }

  /// Columns of a 0 or 1 for each label.
  init(flags: [ColumnReference]) { (raw, lists, self.flags) = ([], [], flags) }

  private var values: [String] { raw.map { $0.trimmingCharacters(in: .whitespacesAndNewlines) } }

  /// More whole numbers than these are quantities.
  private static let mostNumberedClasses = 20

  /// The kind of task.
  ///
  /// - Throws: `TaskError` when the values are neither labels nor numbers.
  func kind(hasPair: Bool, path: String) throws -> TaskKind {
    if !flags.isEmpty || !lists.isEmpty || separator != nil { return .multiLabel }
    let kinds = Set(values)
    let numbers = kinds.compactMap(Double.init)
    if numbers.count == kinds.count, !kinds.isEmpty {
      let areWhole = numbers.allSatisfy { $0 == $0.rounded() }
      if !areWhole || Set(numbers).count > Self.mostNumberedClasses { return .regression }
    }
    guard kinds.count * 2 <= values.count || kinds.count <= Self.mostNumberedClasses else {
      throw TaskError(
        "\(path): the column of labels has \(kinds.count) values in \(values.count) rows, so they are no labels; name "
          + "another with --label-column, or say what they are with --kind")
    }
    return hasPair ? .pair : .classification
  }

  /// The separator of several labels in one cell; nil where cells have one label each.
  ///
  /// A separator takes cells apart into fewer labels than there are cells of different content.
  private var separator: String? {
    let cells = Set(values)
    return ["|", ";", ","].first { separator in
      let split = cells.filter { $0.contains(separator) }
      guard split.count > 1 else { return false }
      let parts = cells.map {
        $0.components(separatedBy: separator).map { $0.trimmingCharacters(in: .whitespaces) }
      }
      let labels = Set(parts.joined())
      return !labels.contains("") && labels.count < cells.count && labels.allSatisfy { $0.count <= 40 }
    }
  }

  /// Puts kind, labels and metrics into a task.
  func apply(
    _ kind: TaskKind, to task: inout TaskDefinition, hints: TaskHints, findings: inout [String], path: String
  ) throws {
    task.kind = kind
    let isGiven = hints.kind != nil
    if kind.family is MultiLabelClassification {
      if let separator, lists.isEmpty { task.labelSeparator = separator }
      let parts = values.flatMap { $0.components(separatedBy: task.labelSeparator) } + lists.joined()
      task.labels = flags.isEmpty ? labels(of: parts, &task, hints, &findings) : flags.map(\.name)
    } else if kind.hasLabels {
      task.labels = labels(of: values, &task, hints, &findings)
    } else {
      task.labels = []
    }
    task.metrics = metrics(of: task)
    let list = task.labels.prefix(12).joined(separator: ", ") + (task.labels.count > 12 ? ", …" : "")
    findings.append(
      "kind \(kind.rawValue)\(isGiven ? "" : " (another with --kind)")"
        + (task.labels.isEmpty ? "" : ", \(task.labels.count) labels: \(list)"))
    guard !kind.hasLabels || task.labels.count >= kind.family.leastLabels else {
      throw TaskError(
        "\(path): the column of labels has one value, \(task.labels.first.map { "\"\($0)\"" } ?? "none"); expected at "
          + "least \(kind.family.leastLabels). Name another column with --label-column")
    }
  }

  /// Labels in order: numbers by their value, else by the alphabet; a label that the task takes for another has an entry in `label_values`.
  private func labels(
    of values: [String], _ task: inout TaskDefinition, _ hints: TaskHints, _ findings: inout [String]
  ) -> [String] {
    var counts: [String: Int] = [:]
    for value in values {
      let label = value.trimmingCharacters(in: .whitespacesAndNewlines)
      if !label.isEmpty { counts[label, default: 0] += 1 }
    }
    let blanks = raw.count { $0.first?.isWhitespace ?? false || $0.last?.isWhitespace ?? false }
    if blanks > 0 { findings.append("\(blanks) labels have blanks around them, which do not count") }
    let alike = Dictionary(grouping: counts.keys) { $0.lowercased() }.values.filter { $0.count > 1 }
    for group in alike.map({ $0.sorted() }).sorted(by: { $0[0] < $1[0] }) {
      let names = group.map { "\"\($0)\"" }.joined(separator: " and ")
      guard hints.foldsCase else {
        findings.append(
          "\(names) differ in upper and lower case alone and are labels of their own; --fold-case makes them one"
        )
        continue
      }
      let common = group.max { (counts[$0] ?? 0, $1) < (counts[$1] ?? 0, $0) } ?? group[0]
      for other in group where other != common {
        task.labelValues[other] = common
        counts[other] = nil
      }
      findings.append("\(names) are one label, \"\(common)\"")
    }
    if let own = Self.labels(of: hints.modelLabels, for: Set(counts.keys)) {
      for label in counts.keys where !own.contains(label) {
        task.labelValues[label] = own.first { $0.lowercased() == label.lowercased() }
      }
      return own
    }
    return counts.keys.sorted { a, b in
      if let x = Double(a), let y = Double(b), x != y { return x < y }
      return a < b
    }
  }

  /// The labels of a model where all that rows show are among them, upper and lower case alike; nil where they are not.
  private static func labels(of model: [String], for found: Set<String>) -> [String]? {
    let known = Set(model.map { $0.lowercased() })
    return !found.isEmpty && known.count == model.count
      && found.allSatisfy { known.contains($0.lowercased()) } ? model : nil
  }

  private func metrics(of task: TaskDefinition) -> [String] {
    let family = task.kind.family
    guard family is Classification else { return [family.metrics[0]] }
    return task.labels.count == 2 ? ["accuracy", "f1"] : ["accuracy", "f1_macro"]
  }
}

extension ColumnReference {
  /// The name, or the position as one.
  fileprivate var name: String {
    switch self {
    case .name(let name): name
    case .index(let index): "\(index)"
    }
  }
}

/// Tags of the sentences of a file: their types and prefixes.
struct TagsSeen {
  /// The types of entities.
  private(set) var types: Set<String> = []
  /// The letters before the hyphen.
  private(set) var prefixes: Set<Character> = []
  /// Whether an entity begins with I, behind no entity of its type.
  private(set) var beginsWithInside = false
  /// Whether an entity begins with B, behind no entity of its type.
  private(set) var beginsWithBegin = false
  /// Whether tags are numbers.
  private(set) var hasNumbers = false
  private var last = "O"

  /// No tags yet.
  init() {}

  /// The tags of a file of columns: the last field of each line.
  init(columns bytes: [UInt8]) {
    for line in bytes.split(separator: 0x0A, omittingEmptySubsequences: false) {
      let fields = String(decoding: line, as: UTF8.self).split(whereSeparator: { " \t\r".contains($0) })
      add(fields.last.map(String.init) ?? "O")
    }
  }

  /// The tags of JSON objects: lists of tags, or types with places.
  init(_ values: [JSONValue]) {
    for value in values {
      if let object = value.objectValue {
        types.formUnion(object.keys)
        continue
      }
      last = "O"
      for tag in value.arrayValue ?? [] {
        if tag.intValue != nil { hasNumbers = true }
        if let tag = tag.stringValue { add(tag) }
      }
    }
  }

  /// Adds a tag behind the one before.
  mutating func add(_ tag: String) {
    defer { last = tag }
    guard let prefix = tag.first, tag.dropFirst().first == "-", tag.count > 2, "BIESMLU".contains(prefix)
    else { return }
    let type = String(tag.dropFirst(2))
    types.insert(type)
    prefixes.insert(prefix)
    guard last.count < 3 || String(last.dropFirst(2)) != type else { return }
    if prefix == "I" { beginsWithInside = true }
    if prefix == "B" { beginsWithBegin = true }
  }
}
