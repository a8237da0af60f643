import Foundation
import Tensors

extension TaskModel {
  /// Makes a student of a teacher.
  ///
  /// - Parameters:
  ///   - shape: How.
  ///   - teacher: The model whose layers are copied, or whose vocabulary and labels the student shares.
  ///   - seed: What fresh values are drawn from, together with their parameter's name.
  /// - Throws: `ModelError` when the teacher lacks the layers, or the student's directory cannot be loaded or reads
  ///   another vocabulary.
  public static func student(
    _ shape: StudentShape, of teacher: TaskModel, seed: UInt64 = 42
  ) throws(ModelError) -> TaskModel {
    switch shape {
    case .evenlySpaced(let count):
      guard count <= teacher.config.layerCount else {
        throw .request(
          "a student of \(count) layers cannot be copied from a teacher of \(teacher.config.layerCount);"
            + " choose T\(teacher.config.layerCount) or fewer, or a fresh shape such as T12-nano")
      }
      return try student(
        from: teacher, layers: StudentShape.evenlySpaced(count, of: teacher.config.layerCount))
    case .layers(let layers):
      return try student(from: teacher, layers: layers)
    case .preset(let preset):
      return try TaskModel(config: preset.config(for: teacher.config), seed: seed)
    case .directory(let path):
      let student = try TaskModel(
        directory: URL(filePath: path), head: teacher.head, labels: teacher.config.labels,
        problemType: teacher.config.problemType, seed: seed)
      guard student.config.vocabularySize == teacher.config.vocabularySize else {
        throw .configuration(
          file: path + "/config.json", field: "vocab_size",
          problem: "found \(student.config.vocabularySize), expected the teacher's"
            + " \(teacher.config.vocabularySize): both read the same token ids")
      }
      return student
    }
  }

  /// Makes a student of some of a teacher's layers; embeddings and head are copied too.
  ///
  /// - Parameters:
  ///   - teacher: The teacher, which keeps its own values.
  ///   - layers: The teacher's layers, counted from 0, in the student's order; one may be taken twice.
  /// - Throws: `ModelError.request` when there is no such layer or no layer was chosen.
  public static func student(
    from teacher: TaskModel, layers: [Int]
  ) throws(ModelError) -> TaskModel {
    let count = teacher.config.layerCount
    guard !layers.isEmpty else { throw .request("a student needs at least one of its teacher's layers") }
    guard let wrong = layers.first(where: { $0 < 0 || $0 >= count }) else {
      var config = teacher.config
      config.layerCount = layers.count
      let store = ParameterStore(source: LayerCopy(of: teacher, layers: layers), seed: 0)
      return try TaskModel(config: config, store: store, isFresh: false)
    }
    throw .request("the teacher has no layer \(wrong); its layers are 0 to \(count - 1)")
  }
}

/// A teacher's parameters under the names they have in a student made of some of its layers.
private struct LayerCopy: ParameterSource {
  let path = "the teacher"
  private let parameters: [String: Parameter]

  init(of teacher: TaskModel, layers: [Int]) {
    let names = teacher.config.architecture.names
    let stem = names.encoder + "." + names.layers + "."
    var parameters: [String: Parameter] = [:]
    for parameter in teacher.parameters {
      guard parameter.name.hasPrefix(stem) else {
        parameters[parameter.name] = parameter
        continue
      }
      let rest = parameter.name.dropFirst(stem.count)
      let index = rest.prefix { $0 != "." }
      for (target, layer) in layers.enumerated() where index == String(layer) {
        parameters[stem + "\(target)" + rest.dropFirst(index.count)] = parameter
      }
    }
    self.parameters = parameters
  }

  var names: [String] { Array(parameters.keys) }

  func shape(of name: String) -> Shape? { parameters[name]?.shape }

  func tensor(_ name: String) throws(ModelError) -> Tensor {
    guard let parameter = parameters[name] else {
      preconditionFailure("tensor(_:) is only asked for names that shape(of:) knows, not \(name).")
    }
    return Tensor(storage: parameter.storage.copy(), shape: parameter.shape)
  }
}
