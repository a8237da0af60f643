import Kernels
import Tensors
import Tokenization

/// Embedding tables of fewer columns and a projection in place of a teacher's wide tables: the factorisation of ALBERT (Lan and
/// others 2020) in the form of ELECTRA, which `transformers` reads.
///
/// The tables hold the teacher's in the directions that keep most of its word table (`TruncatedSVD`). The projection is the
/// one whose results, behind the narrow LayerNorm, lie nearest to the teacher's over its vocabulary (least squares).
struct FactorisedEmbeddings {
  private let tables: [(name: String, value: Tensor)]
  private let teacher: EmbeddingTables
  private let config: EncoderConfig

  /// The tables and what belongs to them.
  ///
  /// - Parameters:
  ///   - teacher: The tables of a model of BERT's shape.
  ///   - config: The model's configuration.
  ///   - size: The columns of the tables, at most the teacher's.
  init(of teacher: EmbeddingTables, _ config: EncoderConfig, size: Int) {
    (self.teacher, self.config) = (teacher, config)
    let svd = TruncatedSVD(teacher.word.detached, rank: size)
    func narrow(_ table: Parameter) -> Tensor {
      table.detached.matmul(svd.basis, transposingSecond: true)
    }
    tables =
      [("word_embeddings", svd.rows), ("position_embeddings", narrow(teacher.position))]
      + (teacher.segment.map { [("token_type_embeddings", narrow($0))] } ?? [])
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
      epsilon: config.layerNormEpsilon, dropout: 0, in: .inference)
    let (weight, bias) = LeastSquares(narrow, teacher.embed(batch)).solution
    let module = encoder + ".embeddings_project"
    return [module + ".weight": weight, module + ".bias": bias]
  }

  /// Batch of every word once, at positions that go round, in both segments by turns.
  private var wholeVocabulary: TokenBatch {
    let length = min(64, config.maxPositions)
    return TokenBatch(
      sequences: stride(from: 0, to: config.vocabularySize, by: length).enumerated().map { index, first in
        let ids = (first..<min(first + length, config.vocabularySize)).map { Int32($0) }
        let segment = Int32(config.family.readsSegments ? index % config.segmentCount : 0)
        return (ids, [Int32](repeating: segment, count: ids.count))
      })
  }
}

extension TaskModel {
  /// Model with narrower embedding tables of another, as an ELECTRA.
  ///
  /// Layers and heads are copied. ELECTRA's head of sequences has GELU where BERT's pooler has tanh; it starts from the
  /// pooler's weights all the same and has to be trained. A masked language model's head starts fresh.
  ///
  /// - Parameters:
  ///   - model: A model whose family can be factorised: a BERT or an ELECTRA.
  ///   - size: The columns of the tables, fewer than the model's hidden size.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  static func factorised(_ model: TaskModel, size: Int, seed: UInt64) throws(ModelError) -> TaskModel {
    let (architecture, table) = try model.factorisable(size)
    var config = model.config
    (config.architecture, config.embeddingSize) = (architecture, size)
    let module = architecture.family.module
    var tensors = table.parameters(of: module)
    for parameter in model.parameters {
      let name = renamed(parameter.name, from: model.config, to: config)
      if name.hasPrefix(module + ".embeddings") { continue }
      tensors[name] = Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
    }
    tensors.merge(table.projection(of: module)) { $1 }
    return try TaskModel(config: config, filledFrom: tensors, seed: seed)
  }

  /// Fresh model of a shape with narrow embedding tables, which start from its teacher's.
  static func factorised(
    preset: StudentShape.Preset, of teacher: TaskModel, size: Int, seed: UInt64
  ) throws(ModelError) -> TaskModel {
    let (architecture, table) = try teacher.factorisable(size)
    var config = preset.config(for: teacher.config)
    (config.architecture, config.embeddingSize) = (architecture, size == config.hiddenSize ? nil : size)
    return try TaskModel(
      config: config, filledFrom: table.parameters(of: architecture.family.module), seed: seed)
  }

  /// Narrow tables for this model's words, if it can have them, and the family that it then is of.
  private func factorisable(
    _ size: Int
  ) throws(ModelError) -> (architecture: EncoderArchitecture, table: FactorisedEmbeddings) {
    let width = encoder.wordTable.shape[1]
    guard !isFactorised else {
      throw .request(
        "embedding_size \(size): the teacher has matrices of low rank already; take its merged form, or the model it was made of"
      )
    }
    if let architecture = config.family.factorised {
      guard size <= width else {
        throw .request(
          "embedding_size: found \(size), expected at most \(width), the width of the teacher's word table")
      }
      if let tables = encoder.tables {
        return (architecture, FactorisedEmbeddings(of: tables, config, size: size))
      }
    }
    let able = EncoderArchitecture.names { $0.factorised != nil }.joined(separator: " and ")
    throw .request(
      "embedding_size \(size): a teacher of type \(config.architecture.rawValue) cannot have narrower embeddings; only "
        + "\(able) can, whose students are saved as electra")
  }

  /// A model whose parameters are these tensors, and fresh where there are none.
  convenience init(
    config: EncoderConfig, filledFrom tensors: [String: Tensor], seed: UInt64
  ) throws(ModelError) {
    try config.check(file: "the student")
    let source = NamedTensors(tensors, path: "the teacher")
    let store = ParameterStore(source: source, seed: seed) { tensors[$0] == nil }
    try self.init(config: config, store: store, isFresh: false)
  }
}

/// The name that a parameter of one model has in another of BERT's shape; a masked language model's head has none.
private func renamed(_ name: String, from old: EncoderConfig, to new: EncoderConfig) -> String {
  let ofHead =
    old.head == .sequenceClassification ? Array(zip(old.headForm.modules, new.headForm.modules)) : []
  for (before, after) in ofHead + [(old.family.module, new.family.module)] where name.hasPrefix(before + ".")
  {
    return after + name.dropFirst(before.count)
  }
  return name
}
