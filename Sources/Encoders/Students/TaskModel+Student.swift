import Foundation
import Tensors

extension TaskModel {
  /// Student of a teacher.
  ///
  /// - Parameters:
  ///   - shape: How.
  ///   - teacher: The model whose layers are copied, or whose vocabulary and labels the student shares.
  ///   - size: Sizes other than the shape's, for shapes that take them.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError` when the teacher lacks the layers, a size does not fit the shape, or the student's directory
  ///   cannot be loaded.
  public static func student(
    _ shape: StudentShape, of teacher: TaskModel, size: StudentSize = StudentSize(), seed: UInt64 = 42
  ) throws(ModelError) -> TaskModel {
    try student(shape, of: teacher, config: teacher.config, size: size, seed: seed)
  }

  /// Student for a teacher that need not be at hand: its configuration suffices for a fresh shape or a directory.
  ///
  /// - Parameters:
  ///   - shape: How.
  ///   - teacher: The teacher, nil where it is not there.
  ///   - config: The teacher's configuration, or that of a fresh student's task, vocabulary and family.
  ///   - size: Sizes other than the shape's, for shapes that take them.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError` as above, and when layers or embeddings of a teacher are asked for that is not there.
  public static func student(
    _ shape: StudentShape, of teacher: TaskModel?, config: EncoderConfig, size: StudentSize = StudentSize(),
    seed: UInt64 = 42
  ) throws(ModelError) -> TaskModel {
    func whole() throws(ModelError) -> TaskModel {
      if let teacher { return teacher }
      throw .request(
        "the student \(shape.description) is made of the teacher's own layers or embeddings, and the teacher is not there; "
          + "give it as well, or choose a fresh shape such as T4-tiny, or a directory")
    }
    try shape.checkFolder()
    try size.check(allowed: shape.sizes, shape: shape.description)
    if let layers = try shape.layers(of: config.layerCount) {
      return try student(from: try whole(), layers: layers, size: size, seed: seed)
    }
    switch shape {
    case .evenlySpaced, .selected, .layers: preconditionFailure("A student of layers has been made above.")
    case .preset(let preset):
      if let width = size.embeddingSize {
        return try factorised(preset: preset, of: try whole(), size: width, seed: seed)
      }
      return try TaskModel(config: preset.config(for: config), seed: seed)
    case .wordStudent(let architecture):
      return try wordStudent(architecture, of: try whole(), size: size, seed: seed)
    case .directory(let path):
      return try TaskModel(
        directory: URL(filePath: path), head: config.head, labels: config.labels,
        problemType: config.problemType, seed: seed)
    }
  }

  /// Student of some of a teacher's layers; embeddings and head are copied too.
  ///
  /// A narrower student keeps the features, heads and feed-forward neurons with the largest weights; narrower embeddings make
  /// it an ELECTRA, whose projection is fitted to the teacher's embeddings.
  ///
  /// - Parameters:
  ///   - teacher: The teacher, which keeps its own values.
  ///   - layers: The teacher's layers, counted from 0, in the student's order; one may be taken twice.
  ///   - size: Widths other than the teacher's.
  ///   - seed: What values that the teacher has no counterpart of are drawn from.
  /// - Throws: `ModelError.request` when there is no such layer, no layer was chosen, or a width cannot be.
  public static func student(
    from teacher: TaskModel, layers: [Int], size: StudentSize = StudentSize(), seed: UInt64 = 42
  ) throws(ModelError) -> TaskModel {
    let count = teacher.config.layerCount
    guard teacher.config.family.copiesLayers else {
      let others = StudentShape.wordStudents.joined(separator: ", ")
      throw .request(
        "a teacher of type \(teacher.config.architecture.rawValue) has no layers to copy; choose \(others) or a directory"
      )
    }
    guard !layers.isEmpty else { throw .request("a student needs at least one of its teacher's layers") }
    if let wrong = layers.first(where: { $0 < 0 || $0 >= count }) {
      throw .request("the teacher has no layer \(wrong); its layers are 0 to \(count - 1)")
    }
    let config = try teacher.config.narrowed(to: size, layerCount: layers.count)
    let slice =
      size.hiddenSize ?? size.attentionHeads ?? size.intermediateSize == nil
      ? ModelSlice(of: teacher.config, layers: layers)
      : ModelSlice(
        byWeightOf: LayerCopy(of: teacher, layers: layers), layers: layers, teacher: teacher.config,
        student: config)
    let student = try teacher.keeping(slice)
    guard let width = size.embeddingSize, width != student.encoder.wordTable.shape[1] else { return student }
    return try factorised(student, size: width, seed: seed)
  }
}

extension EncoderConfig {
  /// The configuration of a student of this one's layers with other widths: its heads are as wide as this one's.
  fileprivate func narrowed(to size: StudentSize, layerCount: Int) throws(ModelError) -> EncoderConfig {
    var config = self
    config.layerCount = layerCount
    let head = hiddenSize / attentionHeads
    config.hiddenSize = size.hiddenSize ?? size.attentionHeads.map { $0 * head } ?? hiddenSize
    config.attentionHeads = size.attentionHeads ?? config.hiddenSize / head
    config.intermediateSize = size.intermediateSize ?? intermediateSize
    for (name, found, most) in [
      ("hidden_size", config.hiddenSize, hiddenSize),
      ("intermediate_size", config.intermediateSize, intermediateSize),
    ] where found > most {
      throw .request("\(name): found \(found), expected at most \(most), the teacher's")
    }
    guard config.hiddenSize == config.attentionHeads * head else {
      throw .request(
        "hidden_size \(config.hiddenSize) and num_attention_heads \(config.attentionHeads): a student keeps whole heads of "
          + "its teacher, \(head) features each; give one of the two, or hidden_size = \(head) × num_attention_heads"
      )
    }
    return config
  }
}
