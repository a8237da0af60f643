import Tensors
import Tokenization

/// Embedding tables of fewer columns and a projection in place of a teacher's wide tables: the factorisation of ALBERT (Lan and
/// others 2020) in the form of ELECTRA, which `transformers` reads.
///
/// The tables hold the teacher's in the directions that keep most of its word table (`TruncatedSVD`). The projection is the
/// one whose results, behind the narrow LayerNorm, lie nearest to the teacher's over its vocabulary (least squares).
struct FactorisedEmbeddings {
  private let tables: [(name: String, value: Tensor)]
  private let teacher: BertEncoder

  /// - Parameters:
  ///   - teacher: A model of BERT's shape with segments.
  ///   - size: The columns of the tables, at most the teacher's.
  init(of teacher: BertEncoder, size: Int) {
    self.teacher = teacher
    let embeddings = teacher.embeddings
    let svd = TruncatedSVD(embeddings.word.detached, rank: size)
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

  /// The projection that brings the narrow embeddings nearest to the teacher's, by its names in an encoder of the given name.
  func projection(of encoder: String) -> [String: Tensor] {
    let batch = wholeVocabulary
    let sum = Tensor.embedding(
      word: tables[0].value, position: tables[1].value, segment: tables.count > 2 ? tables[2].value : nil,
      ids: batch.ids, positions: batch.positions, segments: batch.segments)
    let size = sum.shape[1]
    let narrow = sum.layerNorm(
      residual: nil, gamma: Tensor(repeating: 1, shape: [size]), beta: Tensor(repeating: 0, shape: [size]),
      epsilon: teacher.config.layerNormEpsilon, dropout: 0, in: .inference)
    let (weight, bias) = LeastSquares(narrow, teacher.embeddings(batch, in: .inference)).solution
    let module = encoder + ".embeddings_project"
    return [module + ".weight": weight, module + ".bias": bias]
  }

  /// Every word once, at positions that go round, in both segments by turns.
  private var wholeVocabulary: TokenBatch {
    let config = teacher.config
    let length = min(64, config.maxPositions)
    return TokenBatch(
      sequences: stride(from: 0, to: config.vocabularySize, by: length).enumerated().map { index, first in
        let ids = (first..<min(first + length, config.vocabularySize)).map { Int32($0) }
        let segment = Int32(teacher.family.readsSegments ? index % config.segmentCount : 0)
        return (ids, [Int32](repeating: segment, count: ids.count))
      })
  }
}
