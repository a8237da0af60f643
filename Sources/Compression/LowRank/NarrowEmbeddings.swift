import Encoders
import ModelFormats

/// Narrow embeddings: tables of fewer columns and a projection, in the form of ELECTRA (`embedding_size`), which `transformers` loads.
///
/// The tables are the teacher's in the directions that keep most of its word table. Other than in `LowRank` the LayerNorm stands before the
/// projection, which is fitted by least squares, so that answers change more; a head of sequences of a BERT gets ELECTRA's GELU in the place of its
/// tanh. Train or distil the model before it is used.
public struct NarrowEmbeddings: CompressionMethod {
  /// Columns of the tables.
  public var size: Int

  /// Tables of so many columns, fewer than the model has.
  public init(size: Int) { self.size = size }

  /// The name `narrow_embeddings`.
  public var name: String { "narrow_embeddings" }
  /// False: the word table is enough.
  public var needsRows: Bool { false }

  /// Makes an ELECTRA with narrower tables of a BERT or an ELECTRA.
  ///
  /// - Throws: `CompressionError` for a model of another family, one of integers or low rank, and a size that is none or not smaller.
  public func callAsFunction(_ model: CompressedModel, rows: CompressionRows?) throws -> CompressedModel {
    let config = model.model.config
    let width = config.embeddingSize ?? config.hiddenSize
    guard (1..<width).contains(size) else {
      throw CompressionError.request(
        "embedding_size: found \(size), expected 1 to \(width - 1), fewer than the model's \(width)")
    }
    guard !model.model.isQuantized else {
      throw CompressionError.request(
        "\(name): the model's weights are 8-bit integers; take the model of floats that it was made of")
    }
    let smaller = try StructuredPruning.model { () throws(ModelError) in
      try TaskModel.student(
        from: model.model, layers: Array(0..<config.layerCount), size: StudentSize(embeddingSize: size))
    }
    return model.becoming(
      smaller, by: name,
      notes: [
        "embeddings \(width) → \(size) columns with a projection, as \(smaller.config.architecture.rawValue); it has to be trained"
      ])
  }
}
