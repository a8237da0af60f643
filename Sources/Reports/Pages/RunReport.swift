import Evaluation
public import Foundation
import ModelFormats
import Tasks

/// Report of a run, a page to look at: scores, curves, plan, classes, calibration, and the rows that student and teacher
/// answer most differently.
///
/// It is made from the run folder alone, and the same folder gives the same bytes.
public struct RunReport {
  /// Run of the report.
  let run: RecordedRun
  private let statistics: RowStatistics?
  private let disagreements: Disagreements?
  private let classes: RelationGraph?
  private let rows: RelationGraph?
  private let attention: JSONValue?

  /// The name of the file in a run folder.
  public static let fileName = "report.html"

  /// Reads a run folder.
  ///
  /// - Throws: `TaskError` where there is no finished run; `FormatError` for a file that is not as expected, with its name.
  public init(of folder: URL) throws {
    run = try RecordedRun(folder)
    attention = try AttentionSheet.page(of: folder)
    rows = try RelationGraph(rowsIn: folder)
    guard let form = run.facts.task.answers, run.rows != nil else {
      (statistics, disagreements, classes) = (nil, nil, nil)
      return
    }
    let labels = run.facts.task.labels
    let scorer = RowScorer(script: run.facts.task.script ?? .squad, labels: labels)
    var statistics = RowStatistics(form, labels: labels, scorer)
    var disagreements = Disagreements(scorer)
    var means = ClassMeans(form, labels: labels)
    try run.forEachRow { row in
      statistics.add(row)
      disagreements.add(row)
      means.add(row)
    }
    (self.statistics, self.disagreements, classes) = (statistics, disagreements, means.graph)
  }

  /// Writes the report, and in the run folder the graph of classes beside it, `class_graph.json` and `class_graph.graphml`.
  ///
  /// - Parameter file: The file; nil for `report.html` in the run folder.
  /// - Returns: The file.
  /// - Throws: `TaskError` where a file is there that is no report; `FormatError.cannotWrite`.
  @discardableResult
  public func write(to file: URL? = nil) throws -> URL {
    let target = file ?? run.folder.appending(path: Self.fileName)
    try page.write(to: target)
    if file == nil { try classes?.write(to: run.folder) }
    return target
  }

  /// The page.
  public var page: ReportPage {
    var object = RunData.head(of: run)
    object["kind"] = "run"
    object["base"] = run.facts.base.map { .string($0) }
    object["other_tasks"] = run.facts.otherTasks.map { .array($0.map { .string($0) }) }
    object["counts"] = [
      "train": .integer(run.facts.rows.train), "labelled": .integer(run.facts.rows.labelled),
      "validation": .integer(run.facts.rows.validation),
    ]
    object["curves"] = .array(run.curves.map(\.json))
    object["plan"] = PlanPicture.json(of: run.plan)
    object["data"] = statistics.map { .object($0.json) }
    object["rows"] = disagreements?.json()
    object["class_relations"] = classes.map(RelationPicture.json)
    object["row_relations"] = rows.map(RelationPicture.json)
    object["attention"] = attention
    object["recipe"] = run.recipe.map { .string(shortened($0, to: 60_000)) }
    object["machine"] = [
      "processor": .string(run.facts.machine.processor), "processors": .integer(run.facts.machine.processors),
      "threads": .integer(run.facts.machine.threads), "memory_bytes": .integer(run.facts.machine.memory),
    ]
    return ReportPage(title: run.facts.title, data: .object(object))
  }
}

/// Members of a page that tell of a run, alone or beside others.
enum RunData {
  /// The members that the page of a run and that of several have.
  static func head(of run: RecordedRun) -> JSONObject {
    let facts = run.facts
    var object = JSONObject()
    object["potstill"] = .string(facts.version)
    object["title"] = .string(facts.title)
    object["method"] = .string(facts.method.rawValue)
    object["task"] = task(facts.task)
    object["models"] = .array(facts.models.map(model))
    object["results"] = .object(results(run.results))
    return object
  }

  private static func task(_ task: RunFacts.Task) -> JSONValue {
    var object = JSONObject()
    object["name"] = .string(task.name)
    object["kind"] = .string(task.kind)
    object["summary"] = task.summary.map { .string($0) }
    object["language"] = task.language.map { .string($0) }
    object["labels"] = .integer(task.labels.count)
    object["metrics"] = .array(task.metrics.map { .string($0) })
    object["form"] = task.answers.map { .string($0.rawValue) }
    return .object(object)
  }

  private static func model(_ model: RunFacts.Model) -> JSONValue {
    var object = JSONObject()
    object["role"] = .string(model.role.rawValue)
    object["name"] = .string(model.name)
    object["layers"] = model.layers.map { .integer($0) }
    object["parameters"] = model.parameters.map { .integer($0) }
    object["bytes"] = model.bytes.map { .integer($0) }
    object["samples_per_second"] = model.samplesPerSecond.map { .double($0) }
    object["latency_ms"] = model.latency.map { .double($0) }
    var scores = JSONObject()
    for (name, value) in model.scores.sorted(by: { $0.key < $1.key }) { scores[name] = .double(value) }
    object["scores"] = .object(scores)
    return .object(object)
  }

  /// The results that are numbers, without those of the closing table.
  private static func results(_ results: JSONObject) -> JSONObject {
    var object = JSONObject()
    for (key, value) in results.prefix(500) where value.doubleValue?.isFinite == true {
      if key.hasPrefix("teacher_") || key.hasPrefix("baseline_") { continue }
      object[key] = value
    }
    return object
  }
}
