import Kernels
import Tensors

extension TaskModel {
  /// Makes a model with narrower embedding tables of another, as an ELECTRA.
  ///
  /// Layers and heads are copied. ELECTRA's head of sequences has GELU where BERT's pooler has tanh; it starts from the
  /// pooler's weights all the same and has to be trained. A masked language model's head starts fresh.
  ///
  /// - Parameters:
  ///   - model: A BERT or an ELECTRA.
  ///   - size: The columns of the tables, fewer than the model's hidden size.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  static func factorised(_ model: TaskModel, size: Int, seed: UInt64) throws(ModelError) -> TaskModel {
    let (encoder, table) = try model.factorisable(size)
    var config = model.config
    (config.architecture, config.embeddingSize) = (.electra, size)
    let (old, new) = (model.config.architecture.names, config.architecture.names)
    var tensors = table.parameters(of: new.encoder)
    for parameter in model.parameters {
      let name = renamed(parameter.name, of: model.head, from: old, to: new)
      if name.hasPrefix(new.encoder + ".embeddings") { continue }
      tensors[name] = Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
    }
    let projection = table.projection(to: encoder)
    tensors[new.encoder + ".embeddings_project.weight"] = projection.weight
    tensors[new.encoder + ".embeddings_project.bias"] = projection.bias
    return try TaskModel(config: config, filledFrom: tensors, seed: seed)
  }

  /// Makes a fresh model of a shape with narrow embedding tables, which start from its teacher's.
  static func factorised(
    preset: StudentShape.Preset, of teacher: TaskModel, size: Int, seed: UInt64
  ) throws(ModelError) -> TaskModel {
    let table = try teacher.factorisable(size).table
    var config = preset.config(for: teacher.config)
    (config.architecture, config.embeddingSize) = (.electra, size == config.hiddenSize ? nil : size)
    return try TaskModel(
      config: config, filledFrom: table.parameters(of: config.architecture.names.encoder), seed: seed)
  }

  /// Narrow tables for this model's words, if it can have them.
  private func factorisable(
    _ size: Int
  ) throws(ModelError) -> (encoder: BertEncoder, table: FactorisedEmbeddings) {
    guard let encoder = encoder as? BertEncoder, config.architecture.readsSegments else {
      throw .request(
        "embedding_size \(size): a teacher of type \(config.architecture.rawValue) cannot have narrower embeddings; only "
          + "bert and electra can, whose students are saved as electra")
    }
    let width = encoder.words.shape[1]
    guard size <= width else {
      throw .request(
        "embedding_size: found \(size), expected at most \(width), the width of the teacher's word table")
    }
    return (encoder, FactorisedEmbeddings(of: encoder, size: size))
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

/// The name that a parameter of one architecture has in another of BERT's shape; a masked language model's head has none.
private func renamed(
  _ name: String, of head: TaskHead, from old: ParameterNames, to new: ParameterNames
) -> String {
  let ofHead =
    head == .sequenceClassification ? [(old.headInner, new.headInner), (old.headOuter, new.headOuter)] : []
  for (before, after) in ofHead + [(old.encoder, new.encoder)] where name.hasPrefix(before + ".") {
    return after + name.dropFirst(before.count)
  }
  return name
}
