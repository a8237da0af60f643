import Tensors
import Tokenization

/// Embedding tables of fewer columns and a projection in place of a teacher's wide tables: the factorisation of ALBERT (Lan and
/// others 2020) in the form of ELECTRA, which `transformers` reads.
///
/// The tables hold the teacher's in the directions that keep most of its word table (`TruncatedSVD`). The projection is the
/// one whose results, behind the narrow LayerNorm, lie nearest to the teacher's over its vocabulary (least squares).
struct FactorisedEmbeddings {
  private let tables: [(name: String, value: Tensor)]
  private let epsilon: Float

  /// - Parameters:
  ///   - teacher: A model of BERT's shape with segments.
  ///   - size: The columns of the tables, at most the teacher's.
  init(of teacher: BertEncoder, size: Int) {
    let embeddings = teacher.embeddings
    let svd = TruncatedSVD(embeddings.word.detached, rank: size)
    epsilon = teacher.config.layerNormEpsilon
    func narrow(_ table: Parameter) -> Tensor {
      table.detached.matmul(svd.basis, transposingSecond: true)
    }
    tables =
      [("word_embeddings", svd.rows), ("position_embeddings", narrow(embeddings.position))]
      + (embeddings.segment.map { [("token_type_embeddings", narrow($0))] } ?? [])
  }

  /// The tables and their LayerNorm by their names in an encoder of the given name.
  func parameters(of encoder: String) -> [String: Tensor] {
    let size = tables[0].value.shape[1]
    let norm = [
      ("LayerNorm.weight", Tensor(repeating: 1, shape: [size])),
      ("LayerNorm.bias", Tensor(repeating: 0, shape: [size])),
    ]
    return Dictionary(
      uniqueKeysWithValues: (tables.map { ($0 + ".weight", $1) } + norm).map {
        ("\(encoder).embeddings.\($0)", $1)
      })
  }

  /// The weight [hidden, size] and bias [hidden] that bring the narrow embeddings nearest to a teacher's.
  func projection(to teacher: BertEncoder) -> (weight: Tensor, bias: Tensor) {
    let batch = Self.wholeVocabulary(of: teacher.config)
    let sum = Tensor.embedding(
      word: tables[0].value, position: tables[1].value, segment: tables.count > 2 ? tables[2].value : nil,
      ids: batch.ids, positions: batch.positions, segments: batch.segments)
    let size = sum.shape[1]
    let narrow = sum.layerNorm(
      residual: nil, gamma: Tensor(repeating: 1, shape: [size]), beta: Tensor(repeating: 0, shape: [size]),
      epsilon: epsilon, dropout: 0, in: .inference)
    return LeastSquares(narrow, teacher.embeddings(batch, recorder: nil, in: .inference)).solution
  }

  /// Every word once, at positions that go round, in both segments by turns.
  private static func wholeVocabulary(of config: EncoderConfig) -> TokenBatch {
    let length = min(64, config.maxPositions)
    return TokenBatch(
      sequences: stride(from: 0, to: config.vocabularySize, by: length).enumerated().map { index, first in
        let ids = (first..<min(first + length, config.vocabularySize)).map { Int32($0) }
        let segment = Int32(config.architecture.readsSegments ? index % config.segmentCount : 0)
        return (ids, [Int32](repeating: segment, count: ids.count))
      })
  }
}

/// The linear layer y ≈ x Wᵀ + b of the smallest squared error, the smallest of those.
private struct LeastSquares {
  let solution: (weight: Tensor, bias: Tensor)

  init(_ x: Tensor, _ y: Tensor) {
    let (meanX, meanY) = (x.mean(axis: 0), y.mean(axis: 0))
    let (centredX, centredY) = (x - meanX, y - meanY)
    let size = x.shape[1]
    let moments = centredX.matmul(centredX, transposingFirst: true).values.map { Double($0) }
    let eigen = SymmetricEigenvectors(moments, n: size)
    // Rows behind a LayerNorm sum up to nothing: directions without variance are left out.
    let kept = eigen.values.prefix { $0 > 1e-6 * max(eigen.values[0], .leastNormalMagnitude) }.count
    let directions = Tensor(eigen.vectors[..<kept].flatMap { $0.map { Float($0) } }, shape: [kept, size])
    let scaled = Tensor(
      zip(eigen.values, eigen.vectors).prefix(kept).flatMap { value, row in row.map { Float($0 / value) } },
      shape: [kept, size])
    let cross = centredY.matmul(centredX, transposingFirst: true)  // [outputs, inputs]
    let weight = cross.matmul(scaled, transposingSecond: true).matmul(directions)
    let shift = meanX.reshaped([1, size]).linear(LinearWeights(weight)).reshaped(meanY.shape)
    solution = (weight, meanY - shift)
  }
}
