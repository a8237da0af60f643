import BenchmarkHarness
import Foundation
import Potstill

@main
enum PotstillBenchmarks {
  /// Every benchmark; add yours here.
  static var all: [any Benchmark.Type] {
    [
      GEMMBenchmark.self, KernelBenchmark.self, AttentionBenchmark.self, RegionBenchmark.self,
      TokenizerBenchmark.self,
      TrainingStepBenchmark.self, InferenceBenchmark.self,
    ]
  }

  static func main() {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let name = arguments.first ?? "all"
    do {
      if name == "--help" || name == "-h" || name == "list" { return printList() }
      let chosen = name == "all" ? all : all.filter { $0.name == name }
      guard !chosen.isEmpty else {
        printList()
        throw BenchmarkFault("There is no benchmark '\(name)'.")
      }
      try printMachine()
      for benchmark in chosen {
        print("\n\(benchmark.name): \(benchmark.summary)")
        try benchmark.run(Array(arguments.dropFirst()))
      }
    } catch {
      FileHandle.standardError.write(Data("potstill-bench: error: \(error)\n".utf8))
      exit(1)
    }
  }

  private static func printList() {
    print("potstill-bench [all | NAME [ARGUMENTS]]")
    for benchmark in all { print("  \(benchmark.name): \(benchmark.summary)") }
  }

  private static func printMachine() throws {
    let machine = Machine.probe()
    let library = try BLAS.load()
    print("\(machine.name), \(machine.processors) processors, loops \(machine.kernelLevel)")
    print(
      "\(library.kind) \(library.version ?? ""), core \(library.core ?? "unknown") (\(library.coreChoice)), "
        + "\(Parallel.threadCount) threads, \(library.path)")
  }
}
