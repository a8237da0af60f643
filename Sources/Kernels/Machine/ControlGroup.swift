import Foundation

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
