import Foundation
import ModelFormats
import Tasks

/// Sheet of attention maps of a few rows, student's and teacher's side by side: `attention.json` of a run folder.
///
/// A map says how much each token (a query, a line of the map) takes from each other (a key, a column): the probabilities after the
/// softmax (Vaswani and others 2017), which add up to 1 in each line. Of long rows it is of the tokens that are looked at most.
struct AttentionSheet {
  /// Layers that stand side by side, counted from 1.
  struct Pair: Equatable {
    /// Layer of the student.
    let student: Int
    /// Layer of the teacher; nil without a teacher.
    let teacher: Int?
  }

  /// Attention of one model to a row.
  struct Side {
    /// The tokens, all of them.
    let tokens: [String]
    /// The maps of each layer, head by head, row-major [tokens, tokens].
    let layers: [[[Float]]]

    /// The mean of the heads of a layer, [tokens, tokens].
    func mean(_ layer: Int) -> [Float] {
      let heads = layers[layer]
      var sum = [Float](repeating: 0, count: tokens.count * tokens.count)
      for head in heads { for (place, value) in head.enumerated() { sum[place] += value } }
      return sum.map { $0 / Float(max(1, heads.count)) }
    }

    /// The places of the tokens that a map shows, in order: those that all queries of all layers look at most.
    var shown: [Int] {
      let count = tokens.count
      guard count > AttentionSheet.tokenLimit else { return Array(tokens.indices) }
      var taken = [Float](repeating: 0, count: count)
      for layer in layers.indices {
        for (place, value) in mean(layer).enumerated() { taken[place % count] += value }
      }
      let order = tokens.indices.sorted { taken[$0] == taken[$1] ? $0 < $1 : taken[$0] > taken[$1] }
      return order.prefix(AttentionSheet.tokenLimit).sorted()
    }
  }

  /// Row with its maps.
  struct Row {
    /// The number of the row in its file.
    let index: Int
    /// Layers that were looked into.
    let pairs: [Pair]
    /// Attention of the student.
    let student: Side
    /// Attention of the teacher; nil without a teacher.
    let teacher: Side?
  }

  /// Rows in the order of the report.
  let rows: [Row]

  /// The most rows, tokens of a map, pairs of layers and heads of a layer.
  static let (rowLimit, tokenLimit, pairLimit, headLimit) = (12, 32, 4, 12)
  /// The name of the file in a run folder.
  static let fileName = "attention.json"

  /// Pairs of layers that a plan matches; where it matches none, the last layers.
  static func pairs(_ plan: JSONValue?, student: Int, teacher: Int?) -> [Pair] {
    guard let teacher else { return spread((1...max(1, student)).map { Pair(student: $0, teacher: nil) }) }
    var found: [Pair] = []
    for stage in PlanPicture.json(of: plan)?["stages"]?.arrayValue ?? [] {
      for match in stage["matches"]?.arrayValue ?? [] {
        let ends = ["student", "teacher"].map { (match[$0]?.arrayValue ?? []).compactMap(\.intValue) }
        guard ends[0].count == ends[1].count else { continue }
        for (own, other) in zip(ends[0], ends[1])
        where (1...student).contains(own) && (1...teacher).contains(other) {
          let pair = Pair(student: own, teacher: other)
          if !found.contains(pair) { found.append(pair) }
        }
      }
    }
    found.sort { ($0.student, $0.teacher ?? 0) < ($1.student, $1.teacher ?? 0) }
    return found.isEmpty ? [Pair(student: student, teacher: teacher)] : spread(found)
  }

  /// Some of many pairs, evenly spread, the last among them.
  private static func spread(_ pairs: [Pair]) -> [Pair] {
    guard pairs.count > pairLimit else { return pairs }
    return (1...pairLimit).map { pairs[$0 * pairs.count / pairLimit - 1] }
  }

  /// Share of attention that two maps have in common: the mean over queries of Σ min(p, q), 0 to 1.
  static func overlap(_ a: [Float], _ b: [Float], tokens: Int) -> Double {
    zip(a, b).reduce(0.0) { $0 + Double(min($1.0, $1.1)) } / Double(max(1, tokens))
  }

  // MARK: File

  /// Writes the sheet.
  ///
  /// - Throws: `FormatError.cannotWrite`.
  func write(to folder: URL) throws(FormatError) {
    let value: JSONValue = ["rows": .array(rows.map(Self.json))]
    try AtomicFile.write(
      Array((value.compactText + "\n").utf8), to: folder.appending(path: Self.fileName))
  }

  private static func json(of row: Row) -> JSONValue {
    // Both show the same tokens where both read the same.
    let isShared = row.teacher.map { $0.tokens == row.student.tokens } ?? false
    let shown = row.teacher?.shown ?? row.student.shown
    let own = isShared ? shown : row.student.shown
    var object = JSONObject()
    object["index"] = .integer(row.index)
    object["student"] = side(row.student, own)
    object["teacher"] = row.teacher.map { side($0, shown) }
    object["pairs"] = .array(
      row.pairs.indices.map { layer in
        var pair = JSONObject()
        pair["student_layer"] = .integer(row.pairs[layer].student)
        pair["teacher_layer"] = row.pairs[layer].teacher.map { .integer($0) }
        if isShared, let teacher = row.teacher {
          let share = overlap(row.student.mean(layer), teacher.mean(layer), tokens: teacher.tokens.count)
          pair["overlap"] = .double(rounded(share))
        }
        pair["student"] = maps(row.student, layer, own)
        pair["teacher"] = row.teacher.map { maps($0, layer, shown) }
        return .object(pair)
      })
    return .object(object)
  }

  private static func side(_ side: Side, _ shown: [Int]) -> JSONValue {
    [
      "tokens": .array(shown.map { .string(shortened(side.tokens[$0], to: 40)) }),
      "total": .integer(side.tokens.count),
    ]
  }

  private static func maps(_ side: Side, _ layer: Int, _ shown: [Int]) -> JSONValue {
    let count = side.tokens.count
    func values(_ map: [Float]) -> JSONValue {
      .array(
        shown.flatMap { query in
          shown.map { key in .double((Double(map[query * count + key]) * 10_000).rounded() / 10_000) }
        })
    }
    return [
      "count": .integer(side.layers[layer].count), "mean": values(side.mean(layer)),
      "heads": .array(side.layers[layer].prefix(headLimit).map(values)),
    ]
  }

  // MARK: Page

  /// The sheet of a run folder for the page, its numbers as one character each; nil where the folder has none.
  ///
  /// - Throws: `FormatError` with the file and the member.
  static func page(of folder: URL) throws -> JSONValue? {
    let file = folder.appending(path: fileName)
    guard RecordedRun.exists(file) else { return nil }
    let value = try JSONValue(contentsOfRegularFile: file)
    func fault(_ path: String, _ reason: String) -> FormatError {
      .field(
        file: file.path, path: path, reason: reason + "; expected what 'potstill report --attention' writes")
    }
    guard let rows = value["rows"]?.arrayValue, (1...rowLimit).contains(rows.count) else {
      throw fault("rows", "found \(value["rows"]?.arrayValue?.count ?? 0) rows")
    }
    let drawn = try rows.enumerated().map { place, row -> JSONValue in
      let pairs = row["pairs"]?.arrayValue ?? []
      guard let index = row["index"]?.intValue, (1...pairLimit).contains(pairs.count) else {
        throw fault("rows[\(place)]", "found no row with 1 to \(pairLimit) pairs")
      }
      var object = JSONObject()
      object["index"] = .integer(index)
      for name in ["student", "teacher"] where name == "student" || row[name] != nil {
        let tokens = row[name]?["tokens"]?.arrayValue?.compactMap(\.stringValue) ?? []
        guard (1...tokenLimit).contains(tokens.count), let total = row[name]?["total"]?.intValue else {
          throw fault("rows[\(place)].\(name).tokens", "found \(tokens.count) tokens")
        }
        object[name] = ["tokens": .array(tokens.map { .string($0) }), "total": .integer(total)]
      }
      object["pairs"] = .array(
        try pairs.enumerated().map { number, pair -> JSONValue in
          var drawn = JSONObject()
          for key in ["student_layer", "teacher_layer", "overlap"] { drawn[key] = pair[key] }
          for name in ["student", "teacher"] {
            guard let tokens = object[name]?["tokens"]?.arrayValue else { continue }
            guard let maps = pair[name].flatMap({ characters(of: $0, tokens: tokens.count) }) else {
              throw fault(
                "rows[\(place)].pairs[\(number)].\(name)", "found no maps of \(tokens.count) tokens")
            }
            drawn[name] = maps
          }
          return .object(drawn)
        })
      return .object(object)
    }
    return .array(drawn)
  }

  /// The maps of a side as texts of one character a number; nil where one is no map of so many tokens.
  private static func characters(of maps: JSONValue, tokens: Int) -> JSONValue? {
    func text(_ map: JSONValue) -> JSONValue? {
      let values = map.arrayValue?.compactMap(\.doubleValue) ?? []
      guard values.count == tokens * tokens, values.allSatisfy((0...1).contains) else { return nil }
      // The square root keeps small shares apart: 64 levels, of which the lowest is 1/3969.
      return .string(String(values.map { alphabet[Int(($0.squareRoot() * 63).rounded())] }))
    }
    guard let mean = maps["mean"].flatMap(text), let count = maps["count"]?.intValue else { return nil }
    let heads = (maps["heads"]?.arrayValue ?? []).prefix(headLimit)
    let texts = heads.compactMap(text)
    return texts.count == heads.count
      ? ["count": .integer(count), "mean": mean, "heads": .array(texts)] : nil
  }

  private static let alphabet = Array("0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_")
}
