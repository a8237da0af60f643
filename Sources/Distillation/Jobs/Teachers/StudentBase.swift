import Datasets
import Encoders
import Tasks
import Tokenization

/// Base of a student: the model whose layers, embeddings and tokenizer it takes, or the sizes and tokens that it reads.
struct StudentBase {
  /// The name in messages.
  let path: String
  /// The model; nil where only its configuration is known, or nothing of it is taken.
  let model: TaskModel?
  /// Configuration, with the head and the labels of the task.
  let config: EncoderConfig
  /// Tokenizer of the student's texts.
  let tokenizer: any Tokenizer
  /// Whether it is the first teacher.
  let isTeacher: Bool

  /// A teacher as the base.
  init(_ teacher: LoadedTeacher, isFirst: Bool) {
    (path, model, config) = (teacher.path, teacher.folder?.model, teacher.config)
    (tokenizer, isTeacher) = (teacher.tokenizer, isFirst)
  }

  /// The base that a student names itself.
  ///
  /// - Parameters:
  ///   - student: The student.
  ///   - task: The task that it will answer.
  ///   - labels: The names of its outputs.
  ///   - teacher: The first teacher's name, for messages.
  ///   - seed: Decides a head that the model lacks.
  /// - Throws: `TaskError` for a student that is made of layers but names no model.
  init(
    of student: JobStudent, for task: TaskDefinition, labels: [String]?, teacher: String, seed: UInt64
  ) throws {
    isTeacher = false
    let form = try StudentForm(student.name).located(SilentListener())
    if let source = student.source {
      if case .shape(.directory) = form {
        throw TaskError(
          "--student-from names the model that a student such as T3 is made of, and \(student.name) is a model of its "
            + "own; leave one of the two out")
      }
      let folder = try TokenizedModel(source) {
        try TaskModel(
          directory: $0, head: task.kind.head, labels: labels, problemType: task.kind.problemType, seed: seed)
      }
      try folder.model.checkAsStart(source)
      (path, model, config, tokenizer) = (source, folder.model, folder.model.config, folder.tokenizer)
      return
    }
    model = nil
    switch (form, student.tokenizer) {
    case (.shape(.directory(let folder)), _):
      let url = try ModelLocation(folder).folder
      path = folder
      config = try EncoderConfig(directory: url).answering(task, labels: labels)
      tokenizer = try loadTokenizer(directory: url)
    case (.shape(.preset(let preset)), let folder?):
      path = folder
      tokenizer = try loadTokenizer(directory: ModelLocation(folder, part: .tokenizer).folder)
      config = preset.maskedLanguageModel(
        vocabularySize: tokenizer.vocabulary.count, architecture: .reading(tokenizer)
      ).reading(tokenizer).answering(task, labels: labels)
    case (.shape(.preset), nil), (.shape(.evenlySpaced), _), (.shape(.layers), _), (.shape(.selected), _),
      (.shape(.wordStudent), _), (.compressed, _):
      throw TaskError(
        "--student \(student.name) takes layers or tokens of a model, and the teacher \(teacher) is a file of answers; "
          + "name the model with --student-from, such as a Hugging Face folder, or give that folder as the student"
      )
    }
  }
}

extension EncoderConfig {
  /// The configuration of a model of the same sizes that answers a task.
  ///
  /// - Parameter labels: The names of its outputs; nil where the head has none of its own.
  func answering(_ task: TaskDefinition, labels: [String]?) -> EncoderConfig {
    var config = self
    config.head = task.kind.head
    config.labels = labels ?? config.labels
    config.problemType = task.kind.problemType
    return config
  }
}
