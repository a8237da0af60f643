public import Foundation
public import ModelFormats

extension DistillationConfig {
  /// Reads a configuration with TextBrewer's keys from a JSON tree; what is wrong ends up in `readingFaults`.
  ///
  /// - Parameters:
  ///   - json: An object; missing keys take their defaults.
  ///   - path: What precedes every key in messages, such as `distillation`.
  public init(json: JSONValue, path: String = "") {
    self.init()
    readingFaults =
      json.objectValue.map { Self.settings.lay($0, over: &self, path: path, rejectsUnknown: true) } ?? [
        Fault(
          path.isEmpty ? "configuration" : path, "found \(json.inWords), expected keys such as temperature")
      ]
  }

  /// Reads a JSON file.
  ///
  /// - Throws: `DistillationError.unreadable` when it is no JSON; wrong content ends up in `readingFaults`.
  public init(contentsOf url: URL) throws(DistillationError) {
    do {
      self.init(json: try JSONValue(contentsOf: url))
    } catch {
      throw .unreadable(file: url.path, reason: "\(error)")
    }
  }

  /// The configuration as a JSON object with TextBrewer's keys; reading it gives the same configuration.
  public var json: JSONValue { .object(Self.settings.json(of: self)) }
}

extension DistillationConfig: Codable {
  /// Decodes from any format; never throws for wrong content, which ends up in `readingFaults`.
  public init(from decoder: any Decoder) throws { self.init(json: try JSONValue(from: decoder)) }

  /// Encodes every key that differs from a missing one, under TextBrewer's names.
  public func encode(to encoder: any Encoder) throws { try json.encode(to: encoder) }
}
