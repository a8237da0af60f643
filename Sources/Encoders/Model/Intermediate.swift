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
