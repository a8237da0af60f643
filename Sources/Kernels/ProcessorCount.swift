import Foundation

enum ProcessorCount {
  /// Processors that are online, in this process's affinity mask and within its cgroup's quota; at least 1.
  static let available = max(
    1, min(ProcessInfo.processInfo.activeProcessorCount, ControlGroup.processorLimit ?? Int.max))
}
