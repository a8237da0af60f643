import Evaluation
import ModelFormats

/// Statistics of a model's answers to many rows, counted row by row.
struct AnswerStatistics {
  /// Counts of a class or of a type of entities.
  struct Counts {
    var right = 0
    var predicted = 0
    var support = 0
  }

  /// Score of all rows.
  private(set) var total = Tally()
  /// Counts by class.
  private(set) var classes: [String: Counts] = [:]
  /// The number of rows by true and predicted label, of one label a row.
  private(set) var confusion: [[String]: Int] = [:]
  /// Confidences from 0 to 1 in ten bins.
  private var confidences = Calibration()

  /// Adds an answer to a row.
  mutating func add(_ answer: RowAnswer, to row: EvaluatedRow, _ scorer: RowScorer, share: Tally) {
    total += share
    guard let gold = row.gold else { return }
    switch row.form {
    case .labels:
      count(Set(answer.texts), Set(gold))
      confusion[gold + answer.texts, default: 0] += 1
      if let probability = answer.probability { confidences.add(probability, isRight: answer.texts == gold) }
    case .labelSets:
      count(Set(answer.texts), Set(gold))
      let (own, known) = (Set(answer.texts), Set(gold))
      for (label, probability) in zip(scorer.labels, answer.probabilities) {
        let isSaid = own.contains(label)
        confidences.add(isSaid ? probability : 1 - probability, isRight: isSaid == known.contains(label))
      }
    case .tags:
      let (own, known) = (Set(Entity.lenient(answer.texts)), Set(Entity.lenient(gold)))
      for entity in own { classes[entity.type, default: Counts()].predicted += 1 }
      for entity in known {
        classes[entity.type, default: Counts()].support += 1
        if own.contains(entity) { classes[entity.type]?.right += 1 }
      }
      for (place, probability) in answer.probabilities.enumerated() {
        confidences.add(probability, isRight: answer.texts[place] == gold[place])
      }
    case .answers:
      if let probability = answer.probability, let isRight = scorer.isRight(answer, to: row) {
        confidences.add(probability, isRight: isRight)
      }
    case .values: break
    }
  }

  private mutating func count(_ own: Set<String>, _ known: Set<String>) {
    for label in own { classes[label, default: Counts()].predicted += 1 }
    for label in known {
      classes[label, default: Counts()].support += 1
      if own.contains(label) { classes[label]?.right += 1 }
    }
  }

  /// Calibration for the page: bins with their mean confidence, accuracy and number.
  var calibration: JSONValue? {
    guard let error = confidences.expectedError else { return nil }
    return [
      "ece": .double(rounded(error)),
      "bins": .array(
        confidences.bins.filter { $0.count > 0 }.map { bin in
          [.double(rounded(bin.confidence)), .double(rounded(bin.accuracy)), .integer(bin.count)]
        }),
    ]
  }

  /// Scores of a class: precision, recall, F1, support.
  func scores(of name: String) -> JSONValue {
    let counts = classes[name] ?? Counts()
    let row = ClassReport.Row(
      name: name, right: counts.right, predicted: counts.predicted, support: counts.support)
    return [
      .double(rounded(row.precision)), .double(rounded(row.recall)), .double(rounded(row.f1)),
      .integer(row.support),
    ]
  }
}

/// Statistics of all rows of a run: scores of classes, confusions, calibration, lengths and agreement of both models.
struct RowStatistics {
  /// Form of the answers.
  let form: RunFacts.AnswerForm
  /// The student's answers.
  private(set) var student = AnswerStatistics()
  /// The teacher's answers.
  private(set) var teacher = AnswerStatistics()
  /// The number of rows.
  private(set) var count = 0
  /// Rows that both models answer rightly, only the teacher, only the student, none of both.
  private(set) var agreement = [0, 0, 0, 0]
  private var lengths: [(length: Int, student: Tally, teacher: Tally)] = []
  private var numbers: [(gold: Double, student: Double, teacher: Double?)] = []
  private let labels: [String]
  private let scorer: RowScorer

  /// The most classes of a table, and of a confusion matrix.
  private static let (classLimit, matrixLimit) = (200, 30)

  /// Statistics of no rows yet.
  init(_ form: RunFacts.AnswerForm, labels: [String], _ scorer: RowScorer) {
    (self.form, self.labels, self.scorer) = (form, labels, scorer)
  }

  /// Whether the teacher's answers are known.
  var hasTeacher: Bool { teacher.total.weight > 0 }

  /// Adds a row.
  mutating func add(_ row: EvaluatedRow) {
    count += 1
    guard let own = scorer.tally(row.student, to: row) else { return }
    student.add(row.student, to: row, scorer, share: own)
    var other = Tally()
    if let answer = row.teacher, let share = scorer.tally(answer, to: row) {
      teacher.add(answer, to: row, scorer, share: share)
      other = share
      if let isOwn = scorer.isRight(row.student, to: row), let isOther = scorer.isRight(answer, to: row) {
        agreement[isOwn ? (isOther ? 0 : 2) : (isOther ? 1 : 3)] += 1
      }
    }
    if let gold = row.goldValue { numbers.append((gold, row.student.value, row.teacher?.value)) }
    lengths.append((length(of: row), own, other))
  }

  /// Length of a row: words of a sentence, else Unicode scalars of text or passage.
  private func length(of row: EvaluatedRow) -> Int {
    row.form == .tags
      ? row.words.count
      : row.form == .answers
        ? (row.pair ?? "").unicodeScalars.count
        : row.text.unicodeScalars.count + (row.pair ?? "").unicodeScalars.count
  }

  // MARK: For the page

  /// The members of the page that tell of the rows.
  var json: JSONObject {
    var object = JSONObject()
    object["count"] = .integer(count)
    object["agreement"] = agreement.allSatisfy { $0 == 0 } ? nil : .array(agreement.map { .integer($0) })
    object["classes"] = classTable
    object["confusion"] = matrix
    object["calibration"] = pair(student.calibration, teacher.calibration)
    object["lengths"] = lengthTable
    object["numbers"] = scatter
    return object
  }

  private func pair(_ own: JSONValue?, _ other: JSONValue?) -> JSONValue? {
    own.map { own in
      var object: JSONObject = JSONObject()
      object["student"] = own
      object["teacher"] = hasTeacher ? other : nil
      return .object(object)
    }
  }

  private var classTable: JSONValue? {
    let found = Set(student.classes.keys).union(teacher.classes.keys)
    guard !found.isEmpty else { return nil }
    // Of entities the types that occur, in the order of the task; then what the task does not name.
    let known = labels.filter { form == .tags ? found.contains($0) : true }
    let all = known + found.subtracting(labels).sorted()
    var rows: [JSONValue] = []
    for name in all.prefix(Self.classLimit) {
      var row: [JSONValue] = [.string(shortened(name, to: 120)), student.scores(of: name)]
      if hasTeacher { row.append(teacher.scores(of: name)) }
      rows.append(.array(row))
    }
    return ["total": .integer(all.count), "rows": .array(rows)]
  }

  private var matrix: JSONValue? {
    guard !student.confusion.isEmpty else { return nil }
    var names = labels
    names += Set(student.confusion.keys.joined()).subtracting(labels).sorted()
    let total = names.count
    if names.count > Self.matrixLimit {
      var wrong: [String: Int] = [:]
      for (key, count) in student.confusion where key.count == 2 && key[0] != key[1] {
        for name in key { wrong[name, default: 0] += count }
      }
      let places = names.indices.sorted {
        let (a, b) = (wrong[names[$0]] ?? 0, wrong[names[$1]] ?? 0)
        return a == b ? $0 < $1 : a > b
      }
      names = places.prefix(Self.matrixLimit).sorted().map { names[$0] }
    }
    func counts(_ statistics: AnswerStatistics) -> JSONValue {
      .array(
        names.map { gold in .array(names.map { .integer(statistics.confusion[[gold, $0]] ?? 0) }) })
    }
    return [
      "total": .integer(total), "labels": .array(names.map { .string(shortened($0, to: 120)) }),
      "student": counts(student), "teacher": hasTeacher ? counts(teacher) : .null,
    ]
  }

  /// Scores of five groups of rows of about the same size, by length.
  private var lengthTable: JSONValue? {
    let sorted = lengths.sorted { $0.length < $1.length }
    guard sorted.count >= 10, let last = sorted.last, sorted[0].length < last.length else { return nil }
    var groups: [JSONValue] = []
    var start = 0
    for index in 1...5 {
      var end = index == 5 ? sorted.count : index * sorted.count / 5
      // Rows of one length stay together.
      while end > 0, end < sorted.count, sorted[end].length == sorted[end - 1].length { end += 1 }
      guard end > start else { continue }
      var (own, other) = (Tally(), Tally())
      for row in sorted[start..<end] {
        own += row.student
        other += row.teacher
      }
      groups.append([
        .integer(sorted[start].length), .integer(sorted[end - 1].length), .integer(end - start),
        own.score.map { .double(rounded($0)) } ?? .null, other.score.map { .double(rounded($0)) } ?? .null,
      ])
      start = end
    }
    return groups.count < 2 ? nil : .array(groups)
  }

  /// True and predicted numbers, at most 600 evenly spread over the rows.
  private var scatter: JSONValue? {
    guard !numbers.isEmpty else { return nil }
    let count = min(600, numbers.count)
    return .array(
      (0..<count).map { index in
        let row = numbers[index * numbers.count / count]
        return .array(
          [.double(rounded(row.gold)), .double(rounded(row.student))]
            + (row.teacher.map { [.double(rounded($0))] } ?? []))
      })
  }
}
