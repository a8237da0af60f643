import ModelFormats

/// Sums of the answers to the rows of each class, of which the graph of classes is made, counted row by row.
///
/// The vector of a class is the mean of the probabilities of its rows, or where a model gives none the share of each answer;
/// of entities it is the share of each type, and of no entity, among the words of a type.
struct ClassMeans {
  /// Sum of the vectors of a class.
  private struct Sum {
    var values: [Double]
    var count = 0

    var mean: [Double] { values.map { $0 / Double(max(1, count)) } }

    mutating func add(_ vector: [Double]) {
      for (place, value) in vector.enumerated() { values[place] += value }
      count += 1
    }
  }

  private let form: RunFacts.AnswerForm
  /// Classes, which are the places of the vectors too.
  private let names: [String]
  private let places: [String: Int]
  private var student: [Int: Sum] = [:]
  private var teacher: [Int: Sum] = [:]
  private var hasProbabilities = true

  /// The most labels of a task that has a graph, and the most nodes of one.
  private static let (labelLimit, nodeLimit) = (500, 150)
  /// Class of words outside of entities.
  private static let outside = "O"

  /// Sums of no rows yet.
  init(_ form: RunFacts.AnswerForm, labels: [String]) {
    self.form = form
    names = form == .tags ? labels.filter { $0 != Self.outside } + [Self.outside] : labels
    places = Dictionary(names.enumerated().map { ($1, $0) }) { first, _ in first }
  }

  /// Adds a row.
  mutating func add(_ row: EvaluatedRow) {
    guard let gold = row.gold, (2...Self.labelLimit).contains(names.count) else { return }
    switch form {
    case .labels, .labelSets:
      for name in gold {
        guard let place = places[name] else { continue }
        add(vector(of: row.student), to: &student, at: place)
        if let answer = row.teacher { add(vector(of: answer), to: &teacher, at: place) }
      }
      hasProbabilities = hasProbabilities && row.student.probabilities.count == names.count
    case .tags:
      hasProbabilities = false
      for (word, tag) in gold.enumerated() {
        guard let place = place(ofTag: tag) else { continue }
        add(vector(ofTag: row.student.texts[word]), to: &student, at: place)
        if let answer = row.teacher { add(vector(ofTag: answer.texts[word]), to: &teacher, at: place) }
      }
    case .values, .answers: break
    }
  }

  private func add(_ vector: [Double], to sums: inout [Int: Sum], at place: Int) {
    sums[place, default: Sum(values: [Double](repeating: 0, count: names.count))].add(vector)
  }

  private func vector(of answer: RowAnswer) -> [Double] {
    if answer.probabilities.count == names.count { return answer.probabilities }
    var vector = [Double](repeating: 0, count: names.count)
    for place in answer.texts.compactMap({ places[$0] }) { vector[place] = 1 }
    return vector
  }

  private func vector(ofTag tag: String) -> [Double] {
    var vector = [Double](repeating: 0, count: names.count)
    if let place = place(ofTag: tag) { vector[place] = 1 }
    return vector
  }

  /// The place of the type of a tag such as B-PER.
  private func place(ofTag tag: String) -> Int? {
    places[tag] ?? tag.firstIndex(of: "-").flatMap { places[String(tag[tag.index(after: $0)...])] }
  }

  /// The graph of the classes with most rows; nil where fewer than two occur.
  var graph: RelationGraph? {
    let hasTeacher = !teacher.isEmpty
    let found = student.keys.filter { !hasTeacher || teacher[$0] != nil }
      .sorted { ((student[$0]?.count ?? 0), $1) > ((student[$1]?.count ?? 0), $0) }
      .prefix(Self.nodeLimit).sorted()
    guard found.count > 1 else { return nil }
    return RelationGraph(
      .classes, hasProbabilities ? .probabilities : .answers,
      of: found.map { RelationGraph.Node(id: names[$0], label: names[$0], count: student[$0]?.count) },
      student: found.compactMap { student[$0]?.mean },
      teacher: hasTeacher ? found.compactMap { teacher[$0]?.mean } : nil)
  }
}
