import Foundation

/// Processor and memory that the system offers this process.
public struct Machine: Sendable, Equatable {
  /// The processor's name as the system gives it.
  public let name: String
  /// The processor's maker: "GenuineIntel", "AuthenticAMD", or empty when unknown.
  public let vendor: String
  /// The instruction sets that matter for numerical work, in the system's spelling.
  public let features: [String]
  /// Processors that this process may use: online, in its affinity mask, within its cgroup's quota.
  public let processors: Int
  /// Bytes of memory this process may use: the machine's, or its cgroup's limit when smaller.
  public let memory: Int

  package init(name: String, vendor: String, features: [String], processors: Int, memory: Int) {
    self.name = name
    self.vendor = vendor
    self.features = features
    self.processors = processors
    self.memory = memory
  }

  /// Reads the description of this machine from the system.
  public static func probe() -> Machine {
    let information = ProcessorInformation.read()
    return Machine(
      name: information.name, vendor: information.vendor,
      features: relevantFeatures.filter(information.features.contains), processors: ProcessorCount.available,
      memory: memoryLimit)
  }

  /// `memory` of this machine, without reading the rest of its description.
  package static var memoryLimit: Int {
    min(Int(clamping: ProcessInfo.processInfo.physicalMemory), ControlGroup.memoryLimit ?? Int.max)
  }

  /// The body of Potstill's own loops that runs here: "x86-64-v4" (AVX-512), "x86-64-v3" (AVX2), or "baseline".
  public var kernelLevel: String {
    #if arch(x86_64) && os(Linux)
      if hasAVX512 { return "x86-64-v4" }
      if has("avx2", "fma", "bmi2", "f16c") { return "x86-64-v3" }
    #endif
    return "baseline"
  }

  /// The OpenBLAS core to run here; nil leaves the choice to OpenBLAS.
  package var openBLASCore: String? {
    #if arch(x86_64)
      if hasAVX512 { return "SkylakeX" }
      if has("avx2", "fma") { return vendor == "AuthenticAMD" ? "Zen" : "Haswell" }
      if has("avx") { return "Sandybridge" }
      if has("sse4_2") { return "Nehalem" }
    #endif
    return nil
  }

  private var hasAVX512: Bool { has("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl") }

  private func has(_ names: String...) -> Bool { names.allSatisfy(features.contains) }

  private static let relevantFeatures = [
    "sse4_2", "avx", "f16c", "fma", "bmi2", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512cd", "avx512dq",
    "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd",
    "asimddp", "i8mm", "bf16", "sve", "sve2",
  ]
}

/// The processor's description as the system gives it.
struct ProcessorInformation {
  var name = "unknown processor"
  var vendor = ""
  var features: Set<String> = []

  static func read() -> ProcessorInformation {
    #if os(Linux)
      guard let text = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8) else { return .init() }
      return parse(text)
    #else
      return ProcessorInformation()
    #endif
  }

  /// Reads the first processor of a `/proc/cpuinfo`.
  static func parse(_ text: String) -> ProcessorInformation {
    var result = ProcessorInformation()
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.isEmpty && !result.features.isEmpty { break }
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].trimmingCharacters(in: .whitespaces)
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      switch key {
      case "model name", "Hardware": result.name = value
      case "vendor_id": result.vendor = value
      case "flags", "Features": result.features = Set(value.split(separator: " ").map(String.init))
      default: break
      }
    }
    return result
  }
}

/// The limits that a container or service manager set for this process; nil where there is none.
enum ControlGroup {
  /// Whole processors' worth of time, rounded up.
  static var processorLimit: Int? {
    // Version 2: "quota period" or "max period"; version 1: two files, -1 for none.
    if let fields = words("/sys/fs/cgroup/cpu.max"), fields.count == 2 {
      return processors(quota: fields[0], period: fields[1])
    }
    if let quota = words("/sys/fs/cgroup/cpu/cpu.cfs_quota_us")?.first,
      let period = words("/sys/fs/cgroup/cpu/cpu.cfs_period_us")?.first
    {
      return processors(quota: quota, period: period)
    }
    return nil
  }

  /// Bytes of memory.
  static var memoryLimit: Int? {
    let value =
      words("/sys/fs/cgroup/memory.max")?.first
      ?? words("/sys/fs/cgroup/memory/memory.limit_in_bytes")?.first
    return value.flatMap { Int($0) }
  }

  static func processors(quota: String, period: String) -> Int? {
    guard let quota = Int(quota), let period = Int(period), quota > 0, period > 0 else { return nil }
    return max(1, (quota + period - 1) / period)
  }

  private static func words(_ path: String) -> [String]? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return text.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}

/// Processors that this process may use.
enum ProcessorCount {
  /// Processors that are online, in this process's affinity mask and within its cgroup's quota; at least 1.
  static let available = max(
    1, min(ProcessInfo.processInfo.activeProcessorCount, ControlGroup.processorLimit ?? Int.max))
}

/// Peak memory of this process.
public enum PeakMemory {
  /// The largest resident size so far in bytes; 0 when the system does not tell.
  public static var residentBytes: Int {
    var usage = rusage()
    #if os(Linux)
      guard getrusage(RUSAGE_SELF.rawValue, &usage) == 0 else { return 0 }
      return usage.ru_maxrss * 1024  // Linux counts in KiB
    #else
      guard getrusage(RUSAGE_SELF, &usage) == 0 else { return 0 }
      return usage.ru_maxrss
    #endif
  }
}

/// Memory that this process has freed and the allocator keeps for later.
package enum FreeMemory {
  /// Gives it back to the system, after work that took much in small pieces; a wish, which only glibc knows how to fulfil.
  package static func giveBack() {
    typealias Trim = @convention(c) (Int) -> Int32
    // RTLD_DEFAULT
    guard let symbol = dlsym(nil, "malloc_trim") else { return }
    _ = unsafeBitCast(symbol, to: Trim.self)(0)
  }
}
