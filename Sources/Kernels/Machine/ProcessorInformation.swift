import Foundation

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
