import Foundation
import Kernels
import Testing

@Suite(.serialized) struct BLASTests {
  @Test func loadsOnceAndSaysWhatItIs() throws {
    let library = try BLAS.load()
    #expect(!library.path.isEmpty)
    #expect(try BLAS.load().path == library.path)
    if library.kind == "OpenBLAS" {
      #expect(library.core != nil)
      #expect(library.version != nil)
    }
  }

  @Test func aBadPathSaysWhatToDo() throws {
    let environment = BLASLoader.Environment(
      library: "/nowhere/libblas.so", coreType: nil, machine: .probe())
    let error = #expect(throws: BLASError.self) { try BLASLoader(environment: environment).load() }
    let text = try #require(error).description
    #expect(text.contains("/nowhere/libblas.so"))
    #expect(text.contains("apt-get install libopenblas-dev") || text.contains("brew install openblas"))
  }

  @Test func whatKeepsALibraryFromLoadingIsTold() {
    #if os(Linux)
      let name = "libopenblas.so.0"
      #expect(
        BLASLoader.saysMissing("\(name): cannot open shared object file: No such file or directory", name))
      for reason in [
        "\(name): failed to map segment from shared object",
        "\(name): cannot open shared object file: Too many open files",
        "libgfortran.so.5: cannot open shared object file: No such file or directory",
      ] {
        #expect(!BLASLoader.saysMissing(reason, name), "\(reason)")
        let text = BLASError.notLoaded(path: name, reason: reason).description
        #expect(text.contains(reason) && text.contains("ulimit") && !text.contains("apt-get"))
      }
    #endif
  }

  @Test func aLibraryWithoutCBLASIsRefused() throws {
    #if os(Linux)
      let environment = BLASLoader.Environment(library: "libm.so.6", coreType: nil, machine: .probe())
      let error = #expect(throws: BLASError.self) { try BLASLoader(environment: environment).load() }
      #expect(error == .missingSymbol(path: "libm.so.6", symbol: "cblas_sgemm"))
    #endif
  }

  @Test func theEnvironmentIsLeftAsItWas() throws {
    #if os(Linux)
      _ = try BLAS.load()
      // What this process was started with, whatever setenv did since.
      let block = try #require(FileManager.default.contents(atPath: "/proc/self/environ"))
      let initial = block.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
      let now = ProcessInfo.processInfo.environment
      for name in ["OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE"] {
        #expect(now[name].map { "\(name)=\($0)" } == initial.first { $0.hasPrefix("\(name)=") })
      }
    #endif
  }

  @Test(arguments: [
    (["avx2", "fma", "avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"], "AuthenticAMD", "SkylakeX"),
    (["avx2", "fma"], "AuthenticAMD", "Zen"), (["avx2", "fma"], "GenuineIntel", "Haswell"),
    (["avx2", "fma", "avx512f"], "GenuineIntel", "Haswell"), (["avx"], "GenuineIntel", "Sandybridge"),
  ])
  func theCoreFollowsTheInstructionSets(features: [String], vendor: String, core: String) {
    let machine = Machine(name: "test", vendor: vendor, features: features, processors: 2, memory: 1)
    #if arch(x86_64)
      #expect(machine.openBLASCore == core)
    #else
      #expect(machine.openBLASCore == nil)
    #endif
  }
}
