import Compression
import Datasets
import Encoders
import Foundation
import Tasks
import Tensors
import Tokenization
import Training

/// Student of a job as it is before it learns: a model for each task, and what all of them read with.
struct MadeStudent {
  /// The name in messages.
  let name: String
  /// The model of each task; of several, all have one encoder.
  let models: [TaskModel]
  /// Tokenizer of all of them.
  let tokenizer: any Tokenizer
  /// Description that the configuration of each task is checked against; the names of outputs are as the student was made.
  private(set) var descriptions: [ModelDescription]
  /// Whether no layer comes from a teacher or a checkpoint.
  let isFresh: Bool
  /// Note on tensors that a directory's checkpoint holds or lacks, in a few words; nil when there is nothing to say.
  let remark: String?

  /// The folder that a task's model and the tokenizer make.
  func folder(_ index: Int, path: String? = nil) -> TokenizedModel {
    TokenizedModel(path: path ?? name, model: models[index], tokenizer: tokenizer)
  }

  /// The description of a model as it was made.
  private static func description(
    _ model: TaskModel, _ name: String, _ tokenizer: any Tokenizer, copiedLayers: [Int]? = nil
  ) -> ModelDescription {
    var description = ModelDescription(model, name: name, vocabulary: tokenizer.vocabulary.tokens)
    description.copiedLayers = copiedLayers
    return description
  }

  /// Makes the student of a job.
  ///
  /// - Parameters:
  ///   - job: What it shall be.
  ///   - tasks: The tasks with their teachers.
  ///   - listener: Hears how far a download has come.
  init(of job: DistillationJob, _ tasks: [LoadedTask], _ listener: any WorkListener) throws {
    let seed = job.training.seed
    if job.isMultitask {
      try self.init(shared: job.student.name, tasks, seed: seed, listener)
    } else if let base = tasks[0].base {
      switch try StudentForm(job.student.name).located(listener) {
      case .shape(let shape):
        try self.init(shape, job.student, of: base, task: tasks[0].definition, seed: seed, listener)
      case .compressed(let steps): try self.init(cutting: steps, job.student, of: base, tasks[0], listener)
      }
    } else {
      try self.init(toTrain: job.student.name, tasks[0].definition, seed: seed, listener)
    }
    for (index, model) in models.enumerated() {
      try model.prepare(as: job.training)
      descriptions[index].weights = model.weights
      descriptions[index].trainableCount = model.parameters.reduce(0) { $0 + ($1.isTrainable ? $1.count : 0) }
    }
  }

  /// A model to train on labels alone; a head that it lacks starts at random.
  private init(
    toTrain path: String, _ task: TaskDefinition, seed: UInt64, _ listener: any WorkListener
  ) throws {
    let trained = try TokenizedModel(path, toTrain: task, seed: seed, listener: listener)
    (name, models, tokenizer) = (path, [trained.model], trained.tokenizer)
    isFresh = false
    descriptions = [Self.description(trained.model, path, trained.tokenizer)]
    remark = trained.model.loadReport.map { "\($0)" }
  }

  /// The student of one task's teacher, which may read other tokens, or of a model of its own.
  private init(
    _ shape: StudentShape, _ student: JobStudent, of base: StudentBase, task: TaskDefinition, seed: UInt64,
    _ listener: any WorkListener
  ) throws {
    name = student.name
    var (tokenizer, config) = (base.tokenizer, base.config)
    func read(_ path: String) throws -> any Tokenizer {
      try loadTokenizer(directory: ModelLocation(path, part: .tokenizer).folder)
    }
    switch (shape, student.tokenizer) {
    case (.preset, let path?) where student.size.embeddingSize == nil:
      tokenizer = try read(path)
      config = config.reading(tokenizer)
    case (_, _?):
      let reason =
        if case .directory = shape { "has a tokenizer of its own" } else {
          "takes the teacher's embeddings, so its tokens too"
        }
      throw TaskError(
        "--student-tokenizer goes with a fresh shape such as T4-tiny, without --embedding-size; \(name) \(reason)"
      )
    case (.directory(let path), nil): tokenizer = try read(path)
    case (.evenlySpaced, nil), (.layers, nil), (.selected, nil), (.preset, nil), (.wordStudent, nil): break
    }
    let model = try TaskModel.student(
      shape, of: base.model, config: config, size: student.size, seed: seed)
    try model.checkAsStart(name)
    try TokenizedModel(path: name, model: model, tokenizer: tokenizer).checkVocabulary()
    descriptions = [
      Self.description(
        model, name, tokenizer,
        copiedLayers: base.isTeacher ? try shape.layers(of: base.config.layerCount)?.map { $0 + 1 } : nil)
    ]
    // Outputs that the teacher gives no names (LABEL_0) get the task's.
    model.rename(labels: LabelOrder.names(model.config.labels, of: task))
    (models, self.tokenizer, isFresh) = ([model], tokenizer, shape.isFresh)
    remark = model.loadReport?.ignoredText
  }

  /// The base of one task, cut by the steps of a compression.
  private init(
    cutting steps: [CompressionStep], _ student: JobStudent, of base: StudentBase, _ loaded: LoadedTask,
    _ listener: any WorkListener
  ) throws {
    guard let whole = base.model else {
      throw TaskError(
        "--student \(student.name) is a model that is cut, and the teacher is not there; give it as well, or name the model with "
          + "--student-from")
    }
    guard student.tokenizer == nil, student.size == StudentSize() else {
      throw TaskError(
        "--student \(student.name) says itself how large it is, and takes the tokenizer of the model that is cut; leave out "
          + "--student-tokenizer, --hidden-size and the other sizes")
    }
    name = student.name
    let made = try StudentForm.make(
      steps, of: TokenizedModel(path: base.path, model: whole, tokenizer: base.tokenizer),
      rows: loaded.rows, task: loaded.definition, listener)
    made.model.rename(labels: LabelOrder.names(made.model.config.labels, of: loaded.definition))
    (models, tokenizer, isFresh, remark) = ([made.model], made.tokenizer, false, nil)
    descriptions = [Self.description(made.model, name, made.tokenizer)]
  }

  /// The encoder of the first teacher whose model is there, or a directory's, and a head for each task.
  ///
  /// A head comes from the task's own teacher where its layers are as wide and of the same family, from the directory
  /// where it has such a head, and is drawn at random otherwise.
  private init(
    shared name: String, _ tasks: [LoadedTask], seed: UInt64, _ listener: any WorkListener
  ) throws {
    self.name = name
    guard let shape = try StudentForm(name).located(listener).shape else {
      throw TaskError(
        "--student \(name): a model is cut by what one task needs of it, and there are several; cut it first "
          + "('potstill compress') and give its folder")
    }
    isFresh = shape.isFresh
    let base: TaskModel
    var copiedLayers: [Int]?
    var sources: [TaskModel] = []
    if case .directory(let path) = shape {
      let url = try ModelLocation(path).folder
      tokenizer = try loadTokenizer(directory: url)
      sources = try tasks.enumerated().map { index, member in
        let (task, teacher) = (member.definition, member.teachers.first)
        return try TaskModel(
          directory: url, head: task.kind.head,
          labels: teacher.map { LabelOrder.names($0.config.labels, of: task) } ?? task.modelLabels,
          problemType: task.kind.problemType, seed: seed &+ UInt64(index))
      }
      try sources[0].checkAsStart(path)
      base = sources[0]
      remark = LoadReport.ignoredText(sources.compactMap(\.loadReport))
    } else {
      let teachers = tasks.compactMap(\.teachers.first)
      guard let first = teachers.first(where: { $0.folder != nil }) ?? teachers.first else {
        throw TaskError(
          "--student \(name) is made of a teacher's layers or for its tokens, but no task has a teacher; give the "
            + "folder of a model to train")
      }
      tokenizer = first.tokenizer
      remark = nil
      copiedLayers = try shape.layers(of: first.config.layerCount)?.map { $0 + 1 }
      base = try TaskModel.student(shape, of: first.folder?.model, config: first.config, seed: seed)
      let copiesLayers = if case .preset = shape { false } else { true }
      for (index, member) in tasks.enumerated() {
        let teacher = member.teachers.first
        if copiesLayers, let model = teacher?.folder?.model, base.config.fitsHeads(of: model.config) {
          sources.append(model)
        } else {
          sources.append(
            try Self.fresh(
              member.definition, teacher: teacher?.config, like: base, seed: seed &+ UInt64(index)))
        }
      }
    }
    if let fault = base.config.fault(of: tokenizer) { throw TaskError("\(name): \(fault)") }
    models = try sources.enumerated().map { index, source in
      try source.sharingEncoder(of: base, headPrefix: "heads.\(index)")
    }
    let (tokenizer, copied) = (tokenizer, copiedLayers)
    descriptions = models.map { Self.description($0, name, tokenizer, copiedLayers: copied) }
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

extension StudentShape {
  /// Whether its layers start at random; word tables may come from the teacher.
  var isFresh: Bool {
    switch self {
    case .preset, .wordStudent: true
    case .evenlySpaced, .layers, .selected, .directory: false
    }
  }
}

extension StudentShape {
  /// The shape, whose directory may be the name of a model on the Hugging Face hub.
  ///
  /// - Throws: `TaskError` for what is neither a shape nor a model.
  func located(_ listener: any WorkListener) throws -> StudentShape {
    guard case .directory(let path) = self else { return self }
    do { return .directory(try ModelLocation(path, listener: listener).folder.path) } catch {
      // A name with an owner can be no shape that is spelt wrong, and a path no name.
      let isName = ModelLocation.isNameOnHub(path)
      guard let fault = folderFault, !(isName && path.contains("/")) else { throw error }
      throw TaskError(isName ? "\(fault). As a model: \(error)" : fault.description)
    }
  }

  /// The fault of a student that is neither a shape nor a folder.
  private var folderFault: ModelError? {
    do throws(ModelError) {
      try checkFolder()
      return nil
    } catch {
      return error
    }
  }
}

extension JobStudent {
  /// Downloads the models that the student is or takes something of, where they are names of the hub and not in the cache.
  ///
  /// - Throws: `TaskError`.
  func fetch(listener: any WorkListener) throws {
    if let source { try ModelLocation.fetch(source, listener: listener) }
    if let tokenizer { try ModelLocation.fetch(tokenizer, part: .tokenizer, listener: listener) }
    // A name without an owner may be a shape that is spelt wrong, which is said later.
    if name.contains("/") { try ModelLocation.fetch(name, listener: listener) }
  }
}
