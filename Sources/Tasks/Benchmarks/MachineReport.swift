import Foundation
import Kernels
import ModelFormats

/// Report on the machine, and on the speed of matrix products on it.
public struct MachineReport {
  /// Processor and memory.
  public let machine: Machine
  /// The matrix library.
  public let library: BLASLibrary
  /// The workers in use.
  public let threads: Int
  /// MPI libraries that several ranks could work together by, as they name themselves.
  public let mpi: [String]
  /// Billions of floating-point operations a second in matrix products, on all workers.
  public let gigaflops: Double
  /// The same on one worker.
  public let gigaflopsOfOneThread: Double

  /// Probes and measures, for a little under a second.
  ///
  /// - Throws: `BLASError` when no matrix library can be loaded.
  public static func measure() throws -> MachineReport {
    let library = try BLAS.load()
    let threads = Parallel.threadCount
    return MachineReport(
      machine: Machine.probe(), library: library, threads: threads,
      mpi: MPILibrary.installed.map { "\($0.version) (\($0.path))" },
      gigaflops: BLAS.gigaflops(workers: threads),
      gigaflopsOfOneThread: BLAS.gigaflops(workers: 1))
  }

  /// The report for machines.
  public var json: JSONObject {
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
    object["mpi"] = .array(mpi.map { .string($0) })
    object["gflops"] = .double((gigaflops * 10).rounded() / 10)
    object["gflops_one_thread"] = .double((gigaflopsOfOneThread * 10).rounded() / 10)
    return object
  }

  /// The report for people: a name and a value a line.
  public var facts: [(name: String, value: String)] {
    let choice =
      switch library.coreChoice {
      case .user: "from OPENBLAS_CORETYPE"
      case .detected: "chosen by Potstill"
      case .usual: "chosen by the library"
      }
    var facts = [
      ("processor", machine.name), ("instructions", machine.features.joined(separator: " ")),
      ("own kernels", machine.kernelLevel), ("processors", "\(machine.processors), \(threads) in use"),
      ("memory", String(format: "%.1f GiB", Double(machine.memory) / 1_073_741_824)),
      ("matrix library", [library.kind, library.version].compactMap { $0 }.joined(separator: " ")),
      ("  path", library.path),
    ]
    if let core = library.core { facts.append(("  core", "\(core) (\(choice))")) }
    if let config = library.config { facts.append(("  build", config)) }
    facts.append(
      ("MPI", mpi.isEmpty ? "none; several machines need Open MPI or MPICH" : mpi.joined(separator: ", ")))
    facts.append(
      (
        "matrix products",
        String(format: "%.0f GF/s on %d threads, %.0f on one", gigaflops, threads, gigaflopsOfOneThread)
      ))
    return facts
  }
}
