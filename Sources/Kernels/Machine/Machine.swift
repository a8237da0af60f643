import Foundation

/// What the processor and the system offer this process.
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
