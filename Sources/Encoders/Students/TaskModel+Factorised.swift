import Kernels
import Tensors

extension TaskModel {
  /// Makes a model with narrower embedding tables of another, as an ELECTRA.
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

  /// Makes a fresh model of a shape with narrow embedding tables, which start from its teacher's.
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
    let width = encoder.words.shape[1]
    if let architecture = config.family.factorised {
      guard size <= width else {
        throw .request(
          "embedding_size: found \(size), expected at most \(width), the width of the teacher's word table")
      }
      if let table = encoder.factorised(columns: size) { return (architecture, table) }
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
