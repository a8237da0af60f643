public import Foundation
import ModelFormats
import Tasks

/// Report of several runs of one task side by side: their models in a table, score against size and latency with the Pareto
/// front, and their curves in the same charts.
public struct ComparisonReport {
  /// Runs in the order in which they were given.
  let runs: [RecordedRun]

  /// The charts that several runs share.
  private static let charts: Set<Curve.Chart> = [.loss, .scores]
  /// The most points of all curves of a page.
  private static let pointLimit = 60_000

  /// Reads run folders.
  ///
  /// - Throws: `TaskError` for folders that hold no finished run, and for runs of different tasks; `FormatError`.
  public init(of folders: [URL]) throws {
    precondition(folders.count > 1, "A comparison is of at least two runs, found \(folders.count).")
    runs = try folders.map { try RecordedRun($0) }
    let first = runs[0]
    for run in runs.dropFirst() {
      let (own, other) = (run.facts.task, first.facts.task)
      guard own.name != other.name || own.metrics != other.metrics else { continue }
      throw TaskError(
        "\(run.folder.relativePath) is a run of the task \(own.name) (\(own.metrics.joined(separator: ", "))), "
          + "\(first.folder.relativePath) of \(other.name) (\(other.metrics.joined(separator: ", "))); compare runs of one task"
      )
    }
  }

  /// Writes the report.
  ///
  /// - Throws: `TaskError` where a file is there that is no report; `FormatError.cannotWrite`.
  public func write(to file: URL) throws { try page.write(to: file) }

  /// The page.
  public var page: ReportPage {
    let names = Self.names(of: runs)
    let limit = max(20, Self.pointLimit / max(1, runs.reduce(0) { $0 + $1.curves.count }))
    var object = JSONObject()
    object["kind"] = "comparison"
    object["potstill"] = .string(LibraryVersion.current)
    object["title"] = .string(names.joined(separator: ", "))
    object["runs"] = .array(
      zip(runs, names).map { run, name in
        var member = RunData.head(of: run)
        member["title"] = .string(name)
        member["curves"] = .array(
          run.curves.filter { $0.part == .student && Self.charts.contains($0.chart) }
            .map { $0.thinned(to: min(limit, Curve.pointLimit)).json })
        return .object(member)
      })
    let title = names.count > 3 ? "\(names[0]) … \(names[names.count - 1])" : names.joined(separator: ", ")
    return ReportPage(title: title, data: .object(object))
  }

  /// The names of the runs' folders, with as much of the path as tells them apart.
  private static func names(of runs: [RecordedRun]) -> [String] {
    let paths = runs.map { $0.folder.absoluteURL.standardizedFileURL.pathComponents.filter { $0 != "/" } }
    let longest = paths.map(\.count).max() ?? 1
    for length in stride(from: 1, through: longest, by: 1) {
      let names = paths.map { $0.suffix(length).joined(separator: "/") }
      if Set(names).count == Set(paths).count { return names }
    }
    return paths.map { $0.joined(separator: "/") }
  }
}
