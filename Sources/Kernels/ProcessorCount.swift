import Foundation

enum ProcessorCount {
  static let available = max(1, ProcessInfo.processInfo.activeProcessorCount)
}
