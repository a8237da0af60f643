import Encoders
import Foundation
import TaskData
import Tasks
import Tokenization
import Training

/// A student of several tasks: one encoder, and for each task a model of it with a head.
struct SharedStudent {
  /// What the user called it.
  let name: String
  /// The model of each task.
  let models: [TaskModel]
  /// What all of them read with.
  let tokenizer: any Tokenizer
  /// The first teacher's blocks that the encoder's were copied from, counted from 1; nil where they were not.
  let copiedLayers: [Int]?
  /// What a directory's checkpoint holds besides encoder and heads, in a few words; nil when every tensor is used.
  let ignoredText: String?

  /// Makes the encoder of the first teacher whose model is there, or takes a directory's, and a head for each task.
  ///
  /// A head comes from the task's own teacher where its layers are as wide and of the same family, from the directory
  /// where it has such a head, and is drawn at random otherwise.
  init(_ name: String, tasks: [(task: TaskDefinition, teacher: TeacherSide?)], seed: UInt64) throws {
    self.name = name
    let shape = try StudentShape(name)
    try shape.checkFolder()
    let base: TaskModel
    var sources: [TaskModel] = []
    if case .directory(let path) = shape {
      let url = URL(filePath: path, directoryHint: .isDirectory)
      tokenizer = try loadTokenizer(directory: url)
      sources = try tasks.enumerated().map { index, member in
        try TaskModel(
          directory: url, head: member.task.kind.head,
          labels: member.teacher.map { LabelOrder.names($0.config.labels, of: member.task) }
            ?? member.task.modelLabels,
          problemType: member.task.kind.problemType, seed: seed &+ UInt64(index))
      }
      try sources[0].checkAsStart(path)
      base = sources[0]
      copiedLayers = nil
      ignoredText = LoadReport.ignoredText(sources.compactMap(\.loadReport))
    } else {
      let teachers = tasks.compactMap(\.teacher)
      guard let first = teachers.first(where: { $0.folder != nil }) ?? teachers.first else {
        throw CommandError(
          "--student \(name) is made of a teacher's layers or for its tokens, but no task has a teacher; give the "
            + "folder of a model to train")
      }
      tokenizer = first.tokenizer
      ignoredText = nil
      copiedLayers = try shape.layers(of: first.config.layerCount)?.map { $0 + 1 }
      base = try TaskModel.student(shape, of: first.folder?.model, config: first.config, seed: seed)
      let copiesLayers = if case .preset = shape { false } else { true }
      for (index, member) in tasks.enumerated() {
        if copiesLayers, let teacher = member.teacher?.folder?.model,
          base.config.fitsHeads(of: teacher.config)
        {
          sources.append(teacher)
        } else {
          sources.append(
            try Self.fresh(
              member.task, teacher: member.teacher?.config, like: base, seed: seed &+ UInt64(index)))
        }
      }
    }
    if let fault = base.config.fault(of: tokenizer) { throw CommandError("\(name): \(fault)") }
    models = try sources.enumerated().map { index, source in
      try source.sharingEncoder(of: base, headPrefix: "heads.\(index)")
    }
  }

  /// Whether no layer of the encoder comes from a teacher or a checkpoint.
  var isFresh: Bool {
    get throws { try StudentShape(name).isFresh }
  }

  /// The folder that a task's model and the tokenizer make.
  func folder(_ index: Int, path: String) -> TokenizedModel {
    TokenizedModel(path: path, model: models[index], tokenizer: tokenizer)
  }

  /// A model with the encoder's shape and a random head.
  private static func fresh(
    _ task: TaskDefinition, teacher: EncoderConfig?, like base: TaskModel, seed: UInt64
  ) throws -> TaskModel {
    var config = base.config
    config.head = task.kind.head
    config.labels =
      teacher.map { LabelOrder.names($0.labels, of: task) } ?? task.modelLabels ?? ["LABEL_0", "LABEL_1"]
    config.problemType = task.kind.problemType
    return try TaskModel(config: config, seed: seed)
  }
}
