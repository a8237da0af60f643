import Foundation
import ModelFormats
import Testing

/// Launcher of ranks that is installed here, under Debian's names.
enum RankLauncher: String, CaseIterable, CustomStringConvertible {
  case openMPI = "mpirun.openmpi"
  case mpich = "mpirun.mpich"

  /// Those that are here and can start two ranks, which not every sandbox lets them.
  static let usable = allCases.filter { $0.path != nil && $0.starts }

  var description: String { rawValue }

  private var path: String? {
    let folders = ProcessInfo.processInfo.environment["PATH"]?.split(separator: ":") ?? []
    return folders.map { "\($0)/\(rawValue)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
  }

  private var starts: Bool {
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", "timeout 60 \(command(ranks: 2)) true >/dev/null 2>&1 </dev/null"]
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }

  /// Variable of the rank.
  var rank: String {
    switch self {
    case .openMPI: "OMPI_COMM_WORLD_RANK"
    case .mpich: "PMI_RANK"
    }
  }

  /// The beginning of a command line for the shell.
  func command(ranks: Int) -> String {
    switch self {
    // The tests may run as root, and on fewer cores than ranks.
    case .openMPI: "\(rawValue) --allow-run-as-root --oversubscribe --bind-to none -np \(ranks)"
    case .mpich: "\(rawValue) -np \(ranks)"
    }
  }
}

extension ToolProcess {
  /// Runs a command line on several ranks with a thread each, or on one process without a launcher.
  ///
  /// - Parameters:
  ///   - launcher: The launcher and the number of ranks; nil for one process.
  ///   - threads: The threads of each rank.
  ///   - before: What the shell of a rank does before it becomes the program; `$RANK` is its rank.
  func run(
    _ arguments: [String], on launcher: (RankLauncher, ranks: Int)?, threads: Int = 1, scratch: URL,
    before: String = ""
  ) -> ChildRun {
    let environment = ["POTSTILL_NUM_THREADS": "\(threads)"]
    guard let (launcher, ranks) = launcher else {
      return run(arguments, scratch: scratch, environment: environment)
    }
    let script = "RANK=$\(launcher.rank); \(before) exec \"$0\" \"$@\""
    return run(
      arguments, scratch: scratch, environment: environment,
      limits: "exec \(launcher.command(ranks: ranks)) sh -c '\(script)' \"$0\" \"$@\"")
  }
}

/// Weights of a checkpoint, by name.
struct SavedWeights {
  let values: [String: [Float]]

  init(_ folder: String) throws {
    let file = try SafetensorsFile(path: folder + "/model.safetensors")
    values = Dictionary(uniqueKeysWithValues: try file.tensors.map { ($0.name, try file.floats($0.name)) })
  }

  private func largest(_ other: SavedWeights?) throws -> Double {
    var largest = 0.0
    for (name, own) in values {
      let others = try other.map { try #require($0.values[name]) }
      try #require(others == nil || others?.count == own.count)
      for (place, value) in own.enumerated() {
        largest = max(largest, abs(Double(value) - Double(others?[place] ?? 0)))
      }
    }
    return largest
  }

  /// The largest difference between a value and another's.
  func distance(to other: SavedWeights) throws -> Double { try largest(other) }
}
