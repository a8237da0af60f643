import Foundation
import Kernels
import ModelFormats

/// What the machine offers, and how fast matrix products run on it.
struct MachineReport {
  /// Processor and memory.
  let machine: Machine
  /// The matrix library.
  let library: BLASLibrary
  /// The workers in use.
  let threads: Int
  /// Billions of floating-point operations a second in matrix products, on all workers.
  let gigaflops: Double
  /// The same on one worker.
  let gigaflopsOfOneThread: Double

  /// Probes and measures, for a little under a second.
  static func measure() throws -> MachineReport {
    let library = try BLAS.load()
    let threads = Parallel.threadCount
    return MachineReport(
      machine: Machine.probe(), library: library, threads: threads,
      gigaflops: BLAS.gigaflops(workers: threads),
      gigaflopsOfOneThread: BLAS.gigaflops(workers: 1))
  }

  /// The report for machines.
  var json: JSONObject {
    var blas = JSONObject()
    blas["kind"] = .string(library.kind)
    blas["path"] = .string(library.path)
    blas["version"] = library.version.map { .string($0) } ?? .null
    blas["config"] = library.config.map { .string($0) } ?? .null
    blas["core"] = library.core.map { .string($0) } ?? .null
    blas["core_choice"] = .string(library.coreChoice.rawValue)
    var object = JSONObject()
    object["cpu"] = .string(machine.name)
    object["features"] = .array(machine.features.map { .string($0) })
    object["kernels"] = .string(machine.kernelLevel)
    object["processors"] = .integer(machine.processors)
    object["memory_bytes"] = .integer(machine.memory)
    object["threads"] = .integer(threads)
    object["blas"] = .object(blas)
    object["gflops"] = .double((gigaflops * 10).rounded() / 10)
    object["gflops_one_thread"] = .double((gigaflopsOfOneThread * 10).rounded() / 10)
    return object
  }

  /// The report for people.
  var table: TextTable {
    var table = TextTable([.text(""), .text("")])
    let choice =
      switch library.coreChoice {
      case .user: "from OPENBLAS_CORETYPE"
      case .detected: "chosen by Potstill"
      case .library: "chosen by the library"
      }
    table.add(["processor", machine.name])
    table.add(["instructions", machine.features.joined(separator: " ")])
    table.add(["own kernels", machine.kernelLevel])
    table.add(["processors", "\(machine.processors), \(threads) in use"])
    table.add(["memory", String(format: "%.1f GiB", Double(machine.memory) / 1_073_741_824)])
    table.add(["matrix library", [library.kind, library.version].compactMap { $0 }.joined(separator: " ")])
    table.add(["  path", library.path])
    if let core = library.core { table.add(["  core", "\(core) (\(choice))"]) }
    if let config = library.config { table.add(["  build", config]) }
    table.add([
      "matrix products",
      String(format: "%.0f GF/s on %d threads, %.0f on one", gigaflops, threads, gigaflopsOfOneThread),
    ])
    return table
  }
}
