import Foundation
import Hub
import Kernels
public import ModelFormats

/// Check of a machine: what Potstill needs on it, what it can use, and what to do where something is missing.
public struct MachineCheck: Sendable {
  /// Verdict on a finding.
  public enum Verdict: String, Sendable {
    /// All is well.
    case ok
    /// Potstill works, but not as well or not with everything.
    case warning
    /// Potstill does not work.
    case missing
  }

  /// Finding with what to do about it.
  public struct Finding: Sendable {
    /// Subject, such as `matrix library`.
    public let name: String
    /// Verdict.
    public let verdict: Verdict
    /// State of things.
    public let text: String
    /// Remedy; nil where none is needed.
    public let remedy: String?

    init(_ name: String, _ verdict: Verdict, _ text: String, remedy: String? = nil) {
      (self.name, self.verdict, self.text, self.remedy) = (name, verdict, text, remedy)
    }
  }

  /// The findings, in the order of their weight.
  public let findings: [Finding]

  /// Whether nothing is missing.
  public var isReady: Bool { findings.allSatisfy { $0.verdict != .missing } }

  /// Looks at this machine; takes a little under a second.
  ///
  /// - Parameters:
  ///   - environment: The variables of the process.
  ///   - workingDirectory: The folder that runs would write below.
  ///   - executable: The running program; nil leaves out what lies beside it.
  public init(environment: [String: String], workingDirectory: URL, executable: URL?) {
    let machine = Machine.probe()
    let library = Result { () throws(BLASError) in try BLAS.load() }
    findings = [
      Self.matrices(library), Self.speed(machine, library), Self.processor(machine),
      Self.memory(machine), Self.disk("working folder", workingDirectory),
      Self.disk("temporary folder", FileManager.default.temporaryDirectory),
      Self.encoding(environment), Self.modelCache(environment), Self.downloads,
      Self.server(environment, executable),
    ].compactMap(\.self)
  }

  /// The findings for machines.
  public var json: JSONObject {
    var object = JSONObject()
    object["ready"] = .bool(isReady)
    object["findings"] = .array(
      findings.map { finding in
        var entry = JSONObject()
        entry["name"] = .string(finding.name)
        entry["verdict"] = .string(finding.verdict.rawValue)
        entry["text"] = .string(finding.text)
        entry["remedy"] = finding.remedy.map { .string($0) }
        return .object(entry)
      })
    return object
  }

  // MARK: Findings

  private static func matrices(_ library: Result<BLASLibrary, BLASError>) -> Finding {
    switch library {
    case .success(let library):
      let name = [library.kind, library.version, library.core].compactMap(\.self).joined(separator: " ")
      return Finding("matrix library", .ok, "\(name), \(library.path)")
    case .failure(let error):
      return Finding(
        "matrix library", .missing, "\(error)",
        remedy: error.isMissing
          ? "apt-get install libopenblas0-pthread, or set POTSTILL_BLAS to a library with a CBLAS interface"
          : nil)
    }
  }

  private static func speed(_ machine: Machine, _ library: Result<BLASLibrary, BLASError>) -> Finding? {
    guard let found = try? library.get() else { return nil }
    let threads = Parallel.threadCount
    let speed = BLAS.gigaflops(workers: threads)
    let text = String(format: "%.0f GF/s on %d threads", speed, threads)
    guard speed < 4 * Double(threads) else { return Finding("matrix products", .ok, text) }
    return Finding(
      "matrix products", .warning, "\(text), which is slow",
      remedy: found.kind == "OpenBLAS"
        ? "the machine may be busy; look again when it is quiet"
        : "install OpenBLAS: apt-get install libopenblas0-pthread")
  }

  private static func processor(_ machine: Machine) -> Finding {
    let text = "\(machine.name), \(machine.processors) processors, kernels \(machine.kernelLevel)"
    guard machine.kernelLevel == "baseline" else { return Finding("processor", .ok, text) }
    return Finding(
      "processor", .warning, "\(text): no AVX2, so everything is several times slower",
      remedy: "a virtual machine may hide it; give it the host's processor")
  }

  private static func memory(_ machine: Machine) -> Finding {
    let free = availableMemory ?? machine.memory
    let text = String(
      format: "%.1f of %.1f GiB free", Double(free) / 1_073_741_824, Double(machine.memory) / 1_073_741_824)
    guard free < 2 << 30 else { return Finding("memory", .ok, text) }
    return Finding(
      "memory", .warning, text,
      remedy: "the plan of a run (--dry-run) says what it takes; smaller batches take less")
  }

  /// Memory that programs can still have; nil where the system does not say.
  private static var availableMemory: Int? {
    guard let text = try? String(contentsOfFile: "/proc/meminfo", encoding: .utf8) else { return nil }
    let line = text.split(separator: "\n").first { $0.hasPrefix("MemAvailable:") }
    return line?.split(separator: " ").dropFirst().first.flatMap { Int($0) }.map {
      min($0 * 1024, Machine.memoryLimit)
    }
  }

  private static func disk(_ name: String, _ folder: URL) -> Finding {
    guard FileManager.default.isWritableFile(atPath: folder.path) else {
      return Finding(
        name, name.hasPrefix("temp") ? .missing : .warning, "\(folder.path) cannot be written to",
        remedy: name.hasPrefix("temp") ? "set TMPDIR to a folder of yours" : "give --output another place")
    }
    guard let free = DiskSpace.free(at: folder) else {
      return Finding(name, .ok, folder.path)
    }
    let text = String(format: "%.1f GB free in %@", Double(free) / 1e9, folder.path)
    guard free < 1_000_000_000 else { return Finding(name, .ok, text) }
    return Finding(name, .warning, text, remedy: "a run of a large model writes several of its size")
  }

  private static func encoding(_ environment: [String: String]) -> Finding {
    let variables = ["LC_ALL", "LC_CTYPE", "LANG"]
    let name = variables.first { environment[$0]?.isEmpty == false }
    let value = name.flatMap { environment[$0] } ?? ""
    let folded = value.lowercased().filter { $0 != "-" }
    // What says nothing is C, whose terminals show UTF-8 as often as not.
    if value.isEmpty || folded.hasSuffix("utf8") {
      return Finding("encoding", .ok, value.isEmpty ? "none is named; texts are UTF-8" : value)
    }
    return Finding(
      "encoding", .warning, "\(name ?? "LANG") is \(value), but texts are UTF-8",
      remedy: "export LANG=C.UTF-8, so that the terminal shows Chinese")
  }

  private static func modelCache(_ environment: [String: String]) -> Finding {
    let cache = HubSettings.cache(environment)
    let names = (try? FileManager.default.contentsOfDirectory(atPath: cache.path)) ?? []
    let count = names.count { $0.hasPrefix("models--") }
    return Finding("model cache", .ok, "\(count) model\(count == 1 ? "" : "s") in \(cache.path)")
  }

  private static var downloads: Finding {
    if HubSettings.canDownload { return Finding("downloads", .ok, "libcurl is there") }
    return Finding(
      "downloads", .warning, "libcurl is not there, so models of the Hugging Face hub cannot be downloaded",
      remedy: "apt-get install libcurl4")
  }

  private static func server(_ environment: [String: String], _ executable: URL?) -> Finding {
    let own = executable?.resolvingSymlinksInPath().deletingLastPathComponent().path
    let folders =
      [own].compactMap(\.self) + (environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let paths = folders.map { $0 + "/potstill-serve" }
    if let path = paths.first(where: FileManager.default.isExecutableFile) {
      return Finding("server", .ok, path)
    }
    return Finding(
      "server", .warning, "potstill-serve is not there, so 'potstill serve' does not work",
      remedy: "make build")
  }
}
