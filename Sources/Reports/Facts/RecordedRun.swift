import Foundation
import ModelFormats
import Tasks
import Training

/// Run as its folder records it: what a report is made of.
struct RecordedRun {
  /// The run folder.
  let folder: URL
  /// Facts of the run.
  let facts: RunFacts
  /// The plan, as `--dry-run --json` prints it; nil where the folder has none.
  let plan: JSONValue?
  /// Everything in `all_results.json`.
  let results: JSONObject
  /// Curves of the run, its baseline and its first stage.
  let curves: [Curve]
  /// The recipe; nil where the folder has none.
  let recipe: String?

  /// Reads a run folder.
  ///
  /// - Throws: `TaskError` where there is no run; `FormatError` for a file that cannot be read, with its name.
  init(_ folder: URL) throws {
    self.folder = folder
    guard Self.exists(folder.appending(path: RunFacts.fileName)) else { throw Self.fault(of: folder) }
    facts = try RunFacts(of: folder)
    plan = try Self.json(folder.appending(path: PlanPicture.fileName))
    // One of several tasks has its metrics and its recipe in the folder of the whole run.
    let isShared = facts.otherTasks != nil
    let run = isShared ? folder.appending(path: "..") : folder
    var results = JSONObject()
    for place in isShared ? [run, folder] : [folder] {
      let found = try Self.json(place.appending(path: "all_results.json"))?.objectValue
      for (key, value) in found ?? JSONObject() { results[key] = value }
    }
    self.results = results
    let metrics = MetricsReader(task: isShared ? facts.task.name : nil)
    var read = try metrics.curves(of: run.appending(path: "metrics.jsonl"), part: .student)
    for part in [Curve.Part.features, .baseline] {
      read += try metrics.curves(of: run.appending(path: part.rawValue + "/metrics.jsonl"), part: part)
    }
    curves = read
    recipe = try ["recipe.yaml", "job.json"].lazy.map { run.appending(path: $0) }.first(where: Self.exists)
      .map { try YAMLFile.text($0.path, expected: "a recipe") }
  }

  /// The rows with their answers; nil where the folder has none.
  var rows: URL? {
    let file = folder.appending(path: Self.rowsFileName)
    return Self.exists(file) ? file : nil
  }

  /// Calls `body` with each row and its answers in order; never where the folder has none.
  ///
  /// - Throws: `FormatError` with file, line and member, and what `body` throws.
  func forEachRow(_ body: (EvaluatedRow) throws -> Void) throws {
    guard let form = facts.task.answers, let rows else { return }
    let teachers = facts.models.count { $0.role == .teacher }
    var place = 0
    try RowReader(rows).forEach { line in
      try body(
        EvaluatedRow(line, at: place, form: form, labels: facts.task.labels, teachers: teachers))
      place += 1
    }
  }

  /// The name of the file of rows.
  static let rowsFileName = "eval_predictions.jsonl"

  static func exists(_ url: URL) -> Bool { FileManager.default.fileExists(atPath: url.path) }

  private static func json(_ url: URL) throws -> JSONValue? {
    exists(url) ? try JSONValue(contentsOfRegularFile: url) : nil
  }

  /// The error of a folder that is not that of one finished run.
  private static func fault(of folder: URL) -> TaskError {
    let name = folder.relativePath
    guard exists(folder) else { return TaskError("\(name) does not exist; expected a run folder") }
    let inside = (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
    let tasks = inside.filter { exists(folder.appending(path: "\($0)/\(RunFacts.fileName)")) }.sorted()
    if !tasks.isEmpty {
      return TaskError(
        "\(name) holds the runs \(tasks.joined(separator: ", ")); give the folders of these, such as "
          + folder.appending(path: tasks[0]).relativePath)
    }
    return TaskError(
      "\(folder.appending(path: RunFacts.fileName).relativePath) does not exist; expected the folder of a run of train, distill, "
        + "multitask or pretrain that came to its end")
  }
}

/// Curve of a number over a run.
struct Curve: Equatable {
  /// Training that a curve is of.
  enum Part: String, CaseIterable {
    /// The student's.
    case student
    /// The first of two stages.
    case features
    /// The student's without a teacher.
    case baseline
  }

  /// Chart that a curve stands in.
  enum Chart: String, CaseIterable {
    /// The whole loss.
    case loss
    /// The parts of the loss.
    case parts
    /// The scores on the validation rows.
    case scores
    /// The learning rate.
    case rate = "learning_rate"
    /// The norm of the gradient.
    case norm = "grad_norm"
  }

  /// Training of the curve.
  let part: Part
  /// Chart of the curve.
  let chart: Chart
  /// The name of the number in `metrics.jsonl`.
  let name: String
  /// The updates done and the number after each.
  var points: [(step: Int, value: Double)]

  static func == (a: Curve, b: Curve) -> Bool {
    (a.part, a.chart, a.name) == (b.part, b.chart, b.name)
      && a.points.elementsEqual(b.points) { $0 == $1 }
  }

  /// The most points that a page keeps of a curve.
  static let pointLimit = 400

  /// The curve with at most so many points, each the mean of its neighbours; the last one stays.
  func thinned(to limit: Int = Curve.pointLimit) -> Curve {
    guard points.count > limit else { return self }
    let inner = points.dropLast()
    var result = self
    result.points = (0..<limit - 1).map { index in
      let range = index * inner.count / (limit - 1)..<(index + 1) * inner.count / (limit - 1)
      let values = points[range].map(\.value)
      return (points[range.upperBound - 1].step, values.reduce(0, +) / Double(values.count))
    }
    result.points += points.suffix(1)
    return result
  }

  /// The curve for the page.
  var json: JSONValue {
    [
      "part": .string(part.rawValue), "chart": .string(chart.rawValue), "name": .string(name),
      "points": .array(thinned().points.map { [.integer($0.step), .double(rounded($0.value))] }),
    ]
  }
}

/// A number with six significant digits, as pages hold it.
func rounded(_ value: Double) -> Double {
  guard value != 0, value.isFinite else { return 0 }
  let scale = pow(10, 5 - log10(abs(value)).rounded(.down))
  return scale.isFinite && scale > 0 ? (value * scale).rounded() / scale : value
}

/// Reader of `metrics.jsonl` into curves.
struct MetricsReader {
  /// The name of one of several tasks, whose scores begin with it; nil where there is one task.
  let task: String?

  /// The most curves of a chart.
  private static let curveLimit = 40

  /// The curves of a file; none where there is no file.
  ///
  /// - Throws: `FormatError` with file and line.
  func curves(of file: URL, part: Curve.Part) throws -> [Curve] {
    guard RecordedRun.exists(file) else { return [] }
    var curves: [Curve] = []
    var places: [String: Int] = [:]
    func add(_ chart: Curve.Chart, _ name: String, _ step: Int, _ value: JSONValue) {
      guard let number = value.doubleValue, number.isFinite else { return }
      let key = "\(chart.rawValue) \(name)"
      if let place = places[key] {
        curves[place].points.append((step, number))
      } else if curves.count(where: { $0.chart == chart }) < Self.curveLimit {
        places[key] = curves.count
        curves.append(Curve(part: part, chart: chart, name: name, points: [(step, number)]))
      }
    }
    try RowReader(file).forEach { line in
      guard let step = line.object["step"]?.intValue else { return }
      for (key, value) in line.object {
        switch key {
        case "loss": add(.loss, key, step, value)
        case "learning_rate": add(.rate, key, step, value)
        case "grad_norm": add(.norm, key, step, value)
        case "parts":
          for (name, value) in value.objectValue ?? JSONObject() { add(.parts, name, step, value) }
        case let key where key.hasPrefix("eval_"):
          guard let name = score(key) else { continue }
          add(name == "loss" ? .loss : .scores, name == "loss" ? "eval_loss" : name, step, value)
        default: break
        }
      }
    }
    return curves
  }

  /// The metric that a key of an evaluation is about; nil for times, counts and other tasks.
  private func score(_ key: String) -> String? {
    var name = key.dropFirst("eval_".count)
    if let task {
      guard name.hasPrefix(task + "/") else { return nil }
      name = name.dropFirst(task.count + 1)
    }
    let others: Set<Substring> = ["runtime", "samples", "samples_per_second", "steps_per_second"]
    return others.contains(name) ? nil : String(name)
  }
}
