import Tensors

extension TaskModel {
  /// Fresh student that reads word embeddings, starting from its teacher's word table.
  ///
  /// A narrower table holds the teacher's in the directions that keep most of it (`TruncatedSVD`). Its values are scaled to a
  /// mean square of 1, that of `nn.Embedding`'s fresh values, to which the other layers' fresh values are made.
  ///
  /// - Parameters:
  ///   - architecture: A family with such students.
  ///   - teacher: The model whose vocabulary and labels the student shares.
  ///   - size: Sizes; the defaults are the family's (`WordStudent`).
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError` when a size cannot be or the teacher's head has no counterpart.
  static func wordStudent(
    _ architecture: EncoderArchitecture, of teacher: TaskModel, size: StudentSize, seed: UInt64
  ) throws(ModelError) -> TaskModel {
    let family = architecture.family
    guard let form = family.wordStudent else {
      preconditionFailure("The family \(architecture.rawValue) has no students over its teacher's words.")
    }
    let wordTable = teacher.encoder.wordTable.detached
    let width = size.embeddingSize ?? wordTable.shape[1]
    guard width <= wordTable.shape[1] else {
      throw .request(
        "embedding_size: found \(width), expected at most \(wordTable.shape[1]), the width of the teacher's word table"
      )
    }
    var config = EncoderConfig.defaults(of: architecture)
    config.adoptTask(of: teacher.config)
    config.hiddenSize = size.hiddenSize ?? form.hiddenSize(teacher.config)
    config.embeddingSize = width == config.hiddenSize ? nil : width
    config.layerCount = size.layerCount ?? form.layerCount(config.head)
    try config.check(file: "the student")
    try config.checkMemory(bytesPerParameter: 16, file: "the student")
    let table = width == wordTable.shape[1] ? wordTable : TruncatedSVD(wordTable, rank: width).rows
    let name = family.module + "." + family.wordTable
    let source = NamedTensors([name: table.scaledToUnit], path: "the teacher")
    let store = ParameterStore(source: source, seed: seed) { $0 != name }
    return try TaskModel(config: config, store: store, isFresh: false)
  }
}

extension EncoderConfig {
  /// Takes over what a student shares with its teacher whatever its shape: vocabulary, lengths, labels and head.
  mutating func adoptTask(of teacher: EncoderConfig) {
    (vocabularySize, padTokenID) = (teacher.vocabularySize, teacher.padTokenID)
    maxPositions = teacher.maxPositions
    (labels, head, problemType) = (teacher.labels, teacher.head, teacher.problemType)
  }
}

extension Tensor {
  /// A copy with a mean square of 1; zeros stay zeros.
  fileprivate var scaledToUnit: Tensor {
    let values = values
    let square = values.reduce(0.0) { $0 + Double($1) * Double($1) } / Double(max(1, count))
    guard square > 0 else { return Tensor(values, shape: shape) }
    let factor = Float(1 / square.squareRoot())
    return Tensor(values.map { $0 * factor }, shape: shape)
  }
}
