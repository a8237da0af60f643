import Tensors

/// A value inside a model, under the name of the module that computes it in `transformers`, such as
/// `encoder.layer.3.attention.output`.
///
/// The list for a configuration is `EncoderConfig.intermediates`; `TaskModel` gives the values that are asked for.
public struct Intermediate: Sendable, Equatable {
  /// What a value has rows of.
  public enum Rows: Sendable {
    /// A row for each token of the batch, [T, width].
    case tokens
    /// A row for each sequence, [B, width].
    case sequences
    /// A row for each token that a head answered: every one, or those it was asked for, [rows, width].
    case answers
  }

  /// The module's name, without the encoder's own (`bert.`).
  public let name: String
  /// The values of a row.
  public let width: Int
  /// What the value has rows of.
  public let rows: Rows

  init(_ name: String, width: Int, _ rows: Rows = .tokens) {
    (self.name, self.width, self.rows) = (name, width, rows)
  }
}

/// Keeps the values of one forward pass that were asked for by name, and no others.
final class IntermediateRecorder {
  private let wanted: Set<String>
  private(set) var values: [String: Tensor] = [:]

  init(_ names: [String]) { wanted = Set(names) }

  func wants(_ name: String) -> Bool { wanted.contains(name) }

  func keep(_ value: Tensor, as name: String) {
    if wanted.contains(name) { values[name] = value }
  }

  /// The part of a layer, by its name.
  func layer(_ name: String) -> LayerRecorder { LayerRecorder(recorder: self, layer: name) }
}

/// A recorder's view of one layer.
struct LayerRecorder {
  fileprivate let recorder: IntermediateRecorder
  fileprivate let layer: String

  /// Keeps the layer's own result.
  func keep(_ value: Tensor) { recorder.keep(value, as: layer) }

  /// Keeps the value of a module inside the layer; nil names no module.
  func keep(_ value: Tensor, as part: String?) {
    if let part { recorder.keep(value, as: layer + "." + part) }
  }

  /// Whether the value of one of some modules inside the layer is wanted.
  func wants(_ parts: [String]) -> Bool { parts.contains { recorder.wants(layer + "." + $0) } }

  /// Whether the layer's own result is wanted, which then has every row, or one of some parts.
  func wantsEveryRow(or parts: [String]) -> Bool { recorder.wants(layer) || wants(parts) }
}
