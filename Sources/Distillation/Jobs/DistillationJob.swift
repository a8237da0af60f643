public import Datasets
public import Encoders
import Foundation
import ModelFormats
public import Tasks
public import Training

/// A job of distillation or training: tasks with their teachers and data, a student, and the settings of the run.
///
/// One task with a teacher is what `potstill distill` runs, several tasks are a `potstill multitask`, and a task without a
/// teacher is a `potstill train`. `prepare()` reads and checks everything once; what comes of it trains, measures and writes
/// the run folder:
///
/// ```swift
/// var task = JobTask(try TaskDefinition(contentsOf: taskFile), data: "SST-2/")
/// task.teachers = [JobTeacher("teacher/")]
/// var job = DistillationJob(task, student: JobStudent("T3"), output: "student/")
/// job.training.numTrainEpochs = 3
/// let result = try job.prepare().run(observers: [myProgress])
/// ```
public struct DistillationJob: Sendable, Equatable {
  /// The tasks that the student learns.
  public var tasks: [JobTask]
  /// The student.
  public var student: JobStudent
  /// The settings of the training loop.
  public var training: TrainingConfig
  /// Whether the student is one encoder with a head for each task, which one task alone may have too.
  public var isMultitask: Bool
  /// The power of the tasks' sizes in their chance to be drawn: 1 draws in proportion, 0 evenly.
  public var tau = 1.0
  /// A first stage in which the layers alone are matched; nil for one stage.
  public var featureStage: FeatureStage?
  /// The curriculum of BERT-of-Theseus, which takes the place of a distillation; nil for a distillation.
  public var theseus: TheseusConfig?
  /// Whether the same student is trained on the labels alone too, into `baseline/` of the run folder.
  public var hasBaseline = false
  /// The most that a teacher's kept answers may take on disk, in GB of 10^9 bytes; nil takes half of what is free.
  public var maxCacheGB: Double?
  /// The largest number of training rows, texts without labels included; nil takes all.
  public var maxTrainSamples: Int?
  /// The largest number of validation rows; nil takes all.
  public var maxEvalSamples: Int?
  /// The place of training rows that are larger than memory, once they are tokenized.
  public var rowStorage = RowStorage()
  /// Whether teachers whose weights hold NaN or infinite values may answer.
  public var allowsNonFinite = false
  /// The run folder; nil for a job that is planned and not run.
  public var output: String?
  /// Whether the run folder may hold files already.
  public var overwritesOutput = false
  /// The checkpoint that the run goes on from; nil begins a new run.
  ///
  /// It is not encoded with the job.
  public var resumption: JobResumption?

  /// A job of one task, with the settings that suit it.
  ///
  /// - Throws: `TrainingError.configuration` when the task's own values are no settings.
  public init(_ task: JobTask, student: JobStudent, output: String? = nil) throws {
    self.init(
      [task], student: student,
      training: try TrainingConfig(for: task.definition, canEvaluate: task.definition.hasValidation),
      isMultitask: false, output: output)
  }

  /// A job of given parts.
  public init(
    _ tasks: [JobTask], student: JobStudent, training: TrainingConfig, isMultitask: Bool? = nil,
    output: String? = nil
  ) {
    (self.tasks, self.student, self.training) = (tasks, student, training)
    self.isMultitask = isMultitask ?? (tasks.count > 1)
    self.output = output
  }

  /// Reads, checks and resolves everything once: data, teachers, student, matches, steps.
  ///
  /// - Parameters:
  ///   - listener: Hears what is read, and how far the work has come.
  ///   - isDryRun: Whether the job is planned alone, and the run folder may hold anything.
  /// - Throws: Everything that is wrong with the configurations at once, and what reading throws.
  public func prepare(
    _ listener: any WorkListener = SilentListener(), isDryRun: Bool = false
  ) throws -> PreparedJob {
    let faults = faults
    guard faults.isEmpty else { throw DistillationError.invalidConfiguration(faults) }
    return try PreparedJob(self, listener, isDryRun: isDryRun)
  }

  /// Faults of the job's form, found without reading a file.
  var faults: [Fault] {
    var faults: [Fault] = []
    if tasks.isEmpty { faults.append(Fault("tasks", "found none, expected at least one")) }
    if tasks.count > 1, !isMultitask {
      faults.append(Fault("multitask", "is false, but there are \(tasks.count) tasks; set it to true"))
    }
    if isMultitask {
      for (index, task) in tasks.enumerated() {
        if task.teachers.count > 1 {
          faults.append(
            Fault(
              "tasks[\(index)].teachers",
              "found \(task.teachers.count), expected at most one for each of several tasks"))
        }
        if task.augmentation != nil {
          faults.append(
            Fault(
              "tasks[\(index)].augmentation",
              "goes with one task; write a file of texts and name it unlabelled_file"))
        }
      }
      if featureStage != nil { faults.append(Fault("feature_stage", "goes with one task, found several")) }
      if theseus != nil { faults.append(Fault("theseus", "goes with one task, found several")) }
    } else if tasks.first?.teachers.isEmpty == true {
      let needTeacher: [(String, Bool)] = [
        ("feature_stage", featureStage != nil), ("theseus", theseus != nil), ("baseline", hasBaseline),
      ]
      for (field, isGiven) in needTeacher where isGiven {
        faults.append(Fault(field, "goes with a teacher, but there is none; leave it out, or give one"))
      }
    }
    for (index, task) in tasks.enumerated() {
      for (place, teacher) in task.teachers.enumerated() where teacher.path == nil && teacher.cache == nil {
        faults.append(
          Fault(
            "tasks[\(index)].teachers[\(place)]", "names neither a model nor its answers; give one of the two"
          ))
      }
    }
    return faults
  }
}

/// Task of a job: its definition, its data, its teachers and the loss of the student.
public struct JobTask: Sendable, Equatable {
  /// Name in scores, messages and the folder of one of several tasks.
  public var name: String
  /// The task with its files and settings.
  public var definition: TaskDefinition
  /// The folder of its files.
  public var data: String
  /// Whether rows that cannot be used are left out, instead of stopping.
  public var skipsBadRows = false
  /// The teachers, the one whose layers are matched first; none learns from labels alone.
  public var teachers: [JobTeacher] = []
  /// Mean that is taken over several teachers.
  public var teacherAverage = TeacherAverage.logits
  /// Configuration of the loss against the teachers.
  public var distillation = DistillationConfig()
  /// Whether the teachers' answers are kept; nil leaves it to the run.
  public var keepsAnswers: Bool?
  /// Factor of how often the task is drawn among several, besides its size.
  public var weight = 1.0
  /// More texts made of the training texts, for the teachers to label; nil makes none.
  public var augmentation: JobAugmentation?

  /// A task of some data, under its own name.
  public init(_ definition: TaskDefinition, data: String, name: String? = nil) {
    (self.definition, self.data) = (definition, data)
    self.name = name ?? definition.name
  }

  /// Reader of the task's files.
  var reader: TaskReader {
    TaskReader(
      task: definition, folder: URL(filePath: data, directoryHint: .isDirectory), badRows: badRows)
  }

  /// Treatment of rows that cannot be used.
  var badRows: BadRowPolicy { skipsBadRows ? .skip : .fail }
}

/// A teacher of a job: a model, its answers kept in a cache, both, or a file of answers.
public struct JobTeacher: Sendable, Equatable {
  /// The Hugging Face directory of the model, or a file of anybody's answers (JSON lines, JSON, CSV or TSV); nil where only
  /// a cache is at hand.
  public var path: String?
  /// The folder of its answers, as `potstill cache` writes it; nil asks the model.
  public var cache: String?
  /// Weight among several teachers.
  public var weight = 1.0
  /// Numbers that its weights are held in while it answers; the student's layers come from its floats.
  public var precision = TeacherPrecision.float32

  /// A model, its answers, or both.
  public init(
    _ path: String? = nil, cache: String? = nil, weight: Double = 1, precision: TeacherPrecision = .float32
  ) {
    (self.path, self.cache, self.weight, self.precision) = (path, cache, weight, precision)
  }
}

/// A student of a job: a shape such as `T3`, steps of a compression such as `layers=3,ffn=50%`, or a Hugging Face directory.
public struct JobStudent: Sendable, Equatable {
  /// A shape that `StudentShape` reads, steps that `CompressionStep` reads, or a directory.
  public var name: String
  /// The folder of a tokenizer for a student of a fresh shape; nil gives it the teacher's.
  public var tokenizer: String?
  /// The Hugging Face directory of the model whose layers, embeddings and tokenizer the student takes; nil takes the
  /// teacher's.
  public var source: String?
  /// Sizes other than the shape's.
  public var size: StudentSize

  /// A student of a shape, steps or a directory.
  public init(
    _ name: String, tokenizer: String? = nil, source: String? = nil, size: StudentSize = StudentSize()
  ) {
    (self.name, self.tokenizer, self.source, self.size) = (name, tokenizer, source, size)
  }
}

/// Texts that a job makes of its training texts.
public struct JobAugmentation: Sendable, Equatable {
  /// The methods, of which each new text takes one.
  public var parts: [AugmentationRecipe.Part]
  /// Number of texts to make.
  public var amount: AugmentationRecipe.Amount
  /// Seed that decides the texts; nil takes the seed of the training.
  public var seed: UInt64?
  /// The folder of the masked language model for the method `masked_lm`; nil for none.
  public var maskedModel: String?

  /// Texts made by some methods.
  public init(
    _ parts: [AugmentationRecipe.Part] = AugmentationRecipe.standard,
    amount: AugmentationRecipe.Amount = .asManyAsGiven, seed: UInt64? = nil, maskedModel: String? = nil
  ) {
    (self.parts, self.amount, self.seed, self.maskedModel) = (parts, amount, seed, maskedModel)
  }

  /// The recipe for a student.
  ///
  /// - Parameters:
  ///   - usual: The seed where none is given.
  ///   - maskToken: What the student's tokenizer reads as its mask.
  public func recipe(seed usual: UInt64, maskToken: String?) -> AugmentationRecipe {
    AugmentationRecipe(parts, amount: amount, seed: seed ?? usual, maskToken: maskToken ?? "[MASK]")
  }
}
