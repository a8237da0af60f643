import Evaluation
import ModelFormats

/// Rows whose answers differ most: the student's from the teacher's, or from the truth where no teacher answered.
///
/// However many rows there are, only the first are kept.
struct Disagreements {
  /// Rows with their distances, the largest first.
  private(set) var rows: [(row: EvaluatedRow, distance: Double)] = []
  /// The number of rows whose answers differ at all.
  private(set) var count = 0
  private let scorer: RowScorer

  /// The most rows that a page shows, and the bytes that they may take in it.
  static let (rowLimit, byteLimit) = (200, 1_500_000)
  /// The most characters of a text, and words of a sentence.
  private static let (textLimit, wordLimit) = (1500, 150)

  /// No rows yet.
  init(_ scorer: RowScorer) { self.scorer = scorer }

  /// Adds a row, unless enough differ more.
  mutating func add(_ row: EvaluatedRow) {
    let distance =
      row.teacher.map { scorer.distance(row.student, $0, in: row) } ?? scorer.error(row.student, in: row)
    guard distance > 0, distance.isFinite else { return }
    count += 1
    if rows.count == Self.rowLimit, let last = rows.last, last.distance >= distance { return }
    // Of equal ones the first of the file stands first.
    var (low, high) = (0, rows.count)
    while low < high {
      let middle = (low + high) / 2
      if rows[middle].distance >= distance { low = middle + 1 } else { high = middle }
    }
    rows.insert((row, distance), at: low)
    if rows.count > Self.rowLimit { rows.removeLast() }
  }

  /// The rows for the page, as many as may be.
  ///
  /// - Parameter limit: The bytes that they may take.
  func json(within limit: Int = Disagreements.byteLimit) -> JSONValue {
    var (items, bytes): ([JSONValue], Int) = ([], 0)
    for (row, distance) in rows {
      let item = JSONValue.object(Self.item(row, distance, scorer))
      bytes += item.compactText.utf8.count
      if bytes > limit { break }
      items.append(item)
    }
    return ["total": .integer(count), "items": .array(items)]
  }

  // MARK: Items

  private static func item(_ row: EvaluatedRow, _ distance: Double, _ scorer: RowScorer) -> JSONObject {
    var item = JSONObject()
    item["index"] = .integer(row.index)
    item["distance"] = .double(rounded(distance))
    item["right"] = scorer.isRight(row.student, to: row).map { .bool($0) }
    item["teacher_right"] = row.teacher.flatMap { scorer.isRight($0, to: row) }.map { .bool($0) }
    switch row.form {
    case .labels, .labelSets:
      texts(of: row, into: &item)
      item["gold"] = row.gold.map { list($0) }
      item["student"] = list(row.student.texts)
      item["teacher"] = row.teacher.map { list($0.texts) }
      item["others"] = others(of: row, scorer) { list($0.texts) }
      item["p_student"] = row.student.probability.map { .double(rounded($0)) }
      item["p_teacher"] = row.teacher?.probability.map { .double(rounded($0)) }
    case .values:
      texts(of: row, into: &item)
      item["gold"] = row.goldValue.map { .double(rounded($0)) }
      item["student"] = .double(rounded(row.student.value))
      item["teacher"] = row.teacher.map { .double(rounded($0.value)) }
      item["others"] = others(of: row, scorer) { .double(rounded($0.value)) }
    case .tags: entities(of: row, into: &item, scorer)
    case .answers:
      passage(of: row, into: &item)
      item["others"] = others(of: row, scorer) { list($0.texts) }
    }
    return item
  }

  /// Answers of further teachers; nil where there is one, null where one's is not known.
  private static func others(
    of row: EvaluatedRow, _ scorer: RowScorer, _ content: (RowAnswer) -> JSONValue
  ) -> JSONValue? {
    guard !row.others.isEmpty else { return nil }
    return .array(
      row.others.map { answer in
        guard let answer else { return .null }
        var object = JSONObject()
        object["answer"] = content(answer)
        object["right"] = scorer.isRight(answer, to: row).map { .bool($0) }
        object["p"] = answer.probability.map { .double(rounded($0)) }
        return .object(object)
      })
  }

  private static func texts(of row: EvaluatedRow, into item: inout JSONObject) {
    item["text"] = .string(shortened(row.text, to: textLimit))
    item["pair"] = row.pair.map { .string(shortened($0, to: textLimit)) }
  }

  private static func list(_ texts: [String]) -> JSONValue {
    .array(texts.prefix(20).map { .string(shortened($0, to: 300)) })
  }

  /// The words from a little before the first difference, and the entities among them.
  private static func entities(of row: EvaluatedRow, into item: inout JSONObject, _ scorer: RowScorer) {
    let all = [row.gold, row.student.texts, row.teacher?.texts].map { $0.map(Entity.lenient) ?? [] }
    var start = 0
    if row.words.count > wordLimit {
      let other = Set(row.teacher == nil ? all[0] : all[2])
      let first = Set(all[1]).symmetricDifference(other).map(\.tokens.lowerBound).min() ?? 0
      start = max(0, min(first - 30, row.words.count - wordLimit))
    }
    let range = start..<min(row.words.count, start + wordLimit)
    item["words"] = .array(row.words[range].map { .string(shortened($0, to: 100)) })
    item["cut"] = range.count < row.words.count ? .bool(true) : nil
    func spans(_ entities: [Entity]) -> JSONValue {
      .array(
        entities.filter { $0.tokens.overlaps(range) }.map { entity in
          let tokens = entity.tokens.clamped(to: range)
          return [
            .integer(tokens.lowerBound - start), .integer(tokens.upperBound - start),
            .string(shortened(entity.type, to: 60)),
          ]
        })
    }
    for (name, entities) in zip(["gold", "student", "teacher"], all)
    where name == "student" || (name == "gold" ? row.gold != nil : row.teacher != nil) {
      item[name] = spans(entities)
    }
    item["others"] = others(of: row, scorer) { spans(Entity.lenient($0.texts)) }
  }

  /// Question and passage around the answers, with the place of each.
  private static func passage(of row: EvaluatedRow, into item: inout JSONObject) {
    item["question"] = .string(shortened(row.text, to: textLimit))
    let passage = Array((row.pair ?? "").unicodeScalars)
    let near = row.student.range?.lowerBound ?? row.teacher?.range?.lowerBound ?? 0
    let gold = row.gold?.first.flatMap { place(of: $0, in: passage, near: near) }
    let ranges = [gold, row.student.range, row.teacher?.range].map { $0?.clamped(to: 0..<passage.count) }
    let known = ranges.compactMap { $0 }
    let first = known.map(\.lowerBound).min() ?? 0
    let last = known.map(\.upperBound).max() ?? 0
    var (start, end) = (max(0, first - 200), min(passage.count, last + 200))
    if end - start < 600 {
      (start, end) = (max(0, min(start, end - 600)), min(passage.count, max(end, start + 600)))
    }
    end = min(end, start + textLimit)
    var view = String.UnicodeScalarView()
    view.append(contentsOf: passage[start..<end])
    item["passage"] = .string(String(view))
    item["cut"] = end - start < passage.count ? .array([.bool(start > 0), .bool(end < passage.count)]) : nil
    item["gold"] = row.gold.map { list($0) }
    for (name, answer) in [("student", Optional(row.student)), ("teacher", row.teacher)] {
      guard let answer else { continue }
      item[name] = list(answer.texts)
      item["p_" + name] = answer.probability.map { .double(rounded($0)) }
    }
    for (name, range) in zip(["gold_at", "student_at", "teacher_at"], ranges) {
      guard let range = range?.clamped(to: start..<end), !range.isEmpty else { continue }
      item[name] = [.integer(range.lowerBound - start), .integer(range.upperBound - start)]
    }
  }

  /// The place of a text in a passage that is the nearest to another place.
  private static func place(of text: String, in passage: [Unicode.Scalar], near: Int) -> Range<Int>? {
    let wanted = Array(text.unicodeScalars)
    guard let head = wanted.first, wanted.count <= passage.count else { return nil }
    var best: Range<Int>?
    for start in 0...(passage.count - wanted.count)
    where passage[start] == head && passage[start..<start + wanted.count].elementsEqual(wanted) {
      if let known = best, abs(known.lowerBound - near) <= abs(start - near) { continue }
      best = start..<start + wanted.count
    }
    return best
  }
}
