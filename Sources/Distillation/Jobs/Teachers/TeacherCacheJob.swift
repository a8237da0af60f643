import Cluster
import Datasets
import Encoders
import Evaluation
import Foundation
public import ModelFormats
public import Tasks
import Tokenization
public import Training

/// Job that asks a teacher once about a data set and keeps its answers for students, as `potstill cache` does.
public struct TeacherCacheJob {
  /// The task's files.
  public var reader: TaskReader
  /// The Hugging Face directory of the teacher.
  public var teacher: String
  /// Numbers that the teacher's weights are held in while it answers.
  public var precision = TeacherPrecision.float32
  /// The layers whose hidden states are kept, numbers between commas: 0 is the embeddings, -1 the last layer.
  public var hiddenStates: String?
  /// Matches whose layers are kept, as a configuration holds them.
  public var matches: [JSONValue] = []
  /// The student, for matches that depend on its depth.
  public var student: String?
  /// The largest number of training rows, texts without labels included; nil takes all.
  public var maxTrainSamples: Int?
  /// The most that the answers may take on disk, in GB of 10^9 bytes; nil takes half of what is free.
  public var maxCacheGB: Double?
  /// Whether validation rows that cannot be read are an error; the teacher is not checked without them.
  public var needsValidation = true
  /// Whether a teacher whose weights hold NaN or infinite values may answer.
  public var allowsNonFinite = false
  /// The folder to write; nil for a plan.
  public var output: String?
  /// The place of training rows that are larger than memory, once they are tokenized.
  public var rowStorage = RowStorage()
  /// Whether answers that are there and do not fit are replaced.
  public var overwritesOutput = false

  /// A cache of a teacher's answers to a task's training rows.
  public init(_ reader: TaskReader, teacher: String, output: String? = nil) {
    (self.reader, self.teacher, self.output) = (reader, teacher, output)
  }

  /// Reads the rows, loads and checks the teacher, and works out what the cache holds.
  ///
  /// - Parameters:
  ///   - listener: Hears what is read, and how far the work has come.
  ///   - isDryRun: Whether the cache is planned alone; the teacher is then not checked.
  /// - Throws: `TaskError` when it takes too much; `DistillationError` for matches that cannot be kept; what reading throws.
  public func prepare(
    _ listener: any WorkListener = SilentListener(), isDryRun: Bool = false
  ) throws -> PreparedTeacherCache {
    let folder = URL(filePath: output ?? ".", directoryHint: .isDirectory)
    let file = folder.appending(path: TeacherCacheFile.fileName)
    let whole = try TokenizedModel(
      teacher, for: reader.task.kind, allowsNonFinite: allowsNonFinite, listener: listener)
    let model = try whole.held(in: precision)
    func read(_ split: DataSplit, limit: Int? = nil) throws -> TaskExamples {
      let (examples, _, note) = try reader.readExamples(split)
      let limited = examples.limited(to: limit, note: note)
      listener.note(limited.note)
      return limited.rows
    }
    let limit = model.lengthLimit(reader.task.maxSequenceLength, listener: listener)
    let examples = try examples(as: model, limit: limit, listener)
    let parts =
      CachedPart.logits(of: model.model.config)
      + (try CacheSelection(of: model, student: student).parts(hiddenStates: hiddenStates, matches: matches))
    let budget = CacheBudget.of(gigabytes: maxCacheGB, at: file)
    if let fault = budget.fault(of: parts, lengths: examples.lengths) {
      throw TaskError("\(file.path) \(fault)")
    }
    let description = TeacherCacheDescription(
      teacher: model.model, name: teacher, tokenizer: model.tokenizer, examples: examples, parts: parts,
      maxLength: limit,
      results: try scores(of: model, whole, limit: limit, isDryRun ? nil : { try read($0) }, listener))
    return PreparedTeacherCache(
      job: self, file: file, description: description, model: model, examples: examples, budget: budget,
      listener: listener)
  }

  /// The training rows as the teacher reads them.
  private func examples(
    as model: TokenizedModel, limit: Int, _ listener: any WorkListener
  ) throws -> EncodedExamples {
    var reader = reader
    // What the teacher is checked on is read by itself.
    if reader.task.hasValidation, reader.task.heldOut == nil {
      var task = reader.task
      task.validationFile = nil
      reader = TaskReader(task: task, folder: reader.folder, badRows: reader.badRows)
    }
    let rows = try RunRows(
      reader, maxTrain: maxTrainSamples, maxValidation: 0, readsUnlabelled: true, needsTrainFile: true,
      storage: rowStorage, listener: listener)
    guard let stored = rows.stored else {
      return EncodedExamples(try model.encode(rows.train, of: reader.task, limit: limit).examples)
    }
    let own = TokenReader(
      model.tokenizer, limit: limit, fingerprint: CacheKey.fingerprint(of: model.tokenizer))
    let examples = try stored.tokenized(own, teacher: nil).examples
    try TokenizedModel.checkPairs(
      rows.pairs, config: model.model.config, tokenizer: model.tokenizer, path: teacher)
    return examples
  }

  /// Scores of the teacher by its run folder; where it says nothing, they are measured on the validation rows.
  ///
  /// Those of one that answers in 8-bit integers are measured always, and those of its floats beside them, as `eval_float32_…`.
  /// Warns of a teacher that only guesses: those who learn from its answers will never see it.
  private func scores(
    of model: TokenizedModel, _ whole: TokenizedModel, limit: Int,
    _ read: ((DataSplit) throws -> TaskExamples)?,
    _ listener: any WorkListener
  ) throws -> JSONObject {
    let url = URL(filePath: teacher).appending(path: "all_results.json")
    var results = JSONObject()
    for (name, value) in (try? JSONValue(contentsOf: url))?.objectValue ?? JSONObject()
    where name.hasPrefix("eval_") && value.doubleValue != nil && model.model === whole.model {
      results[name] = value
    }
    let rows = try read.flatMap { try validationRows($0, listener) }
    let check = try model.checkedAsTeacher(on: rows, of: reader.task, limit: limit, listener)
    if results.isEmpty {
      for metric in check?.result.metrics ?? [] { results["eval_" + metric.name] = .double(metric.value) }
    }
    if model.model !== whole.model {
      let floats = try whole.checkedAsTeacher(on: rows, of: reader.task, limit: limit, listener)
      for metric in floats?.result.metrics ?? [] {
        results["eval_float32_" + metric.name] = .double(metric.value)
      }
    }
    if let warning = check?.warning { listener.warn("\(warning)") }
    return results
  }

  /// The rows that the teacher is checked on; nil without any, since answers need none.
  private func validationRows(
    _ read: (DataSplit) throws -> TaskExamples, _ listener: any WorkListener
  ) throws -> TaskExamples? {
    guard reader.task.hasValidation else { return nil }
    do {
      return try read(.validation)
    } catch DatasetError.unreadableFile(let path, let reason) where !needsValidation {
      listener.warn("\(path): \(reason). The teacher is not checked without validation rows")
      return nil
    }
  }
}

/// Cache that was worked out: what it holds, and what writes it.
public final class PreparedTeacherCache {
  /// Description of the teacher and the kept rows.
  public let description: TeacherCacheDescription
  private let job: TeacherCacheJob
  private let file: URL
  private let model: TokenizedModel
  private let examples: EncodedExamples
  private let budget: CacheBudget
  private let listener: any WorkListener

  init(
    job: TeacherCacheJob, file: URL, description: TeacherCacheDescription, model: TokenizedModel,
    examples: EncodedExamples, budget: CacheBudget, listener: any WorkListener
  ) {
    (self.job, self.file, self.description) = (job, file, description)
    (self.model, self.examples, self.budget, self.listener) = (model, examples, budget, listener)
  }

  /// Numbers of what it holds.
  public var results: JSONObject {
    var object = JSONObject()
    object["file"] = .string(file.path)
    object["teacher"] = .string(description.teacherName)
    if description.precision != .float32 { object["precision"] = .string(description.precision.rawValue) }
    object["examples"] = .integer(description.lengths.count)
    object["tokens"] = .integer(description.lengths.reduce(0, +))
    object["bytes"] = .integer(description.byteCount)
    object["holds"] = .string(CachedPart.names(of: description.parts))
    for (name, value) in description.teacherResults { object["teacher_" + name] = value }
    return object
  }

  /// Asks the teacher and writes the folder; answers that are there already stay, and a broken-off cache is gone on with.
  ///
  /// - Parameter observers: May break the work off.
  /// - Throws: `TaskError` when the folder holds something else; `JobInterruption`; `DistillationError.cache`.
  public func run(observers: [any TrainingObserver] = []) throws {
    listener.note("\(CacheBudget.text(description.byteCount)) in \(file.path)")
    let folder = file.deletingLastPathComponent()
    // What a student needs of the teacher beside its answers.
    func writeRest() throws {
      try model.tokenizer.save(to: folder)
      try model.model.config.json.write(to: folder.appending(path: "config.json"))
    }
    let record = ProvenanceRecord(in: folder, of: inputs, by: listener.invocation)
    let ranks = Ranks.process
    if try ranks.first({ try isThere() }) {
      guard ranks.isFirst else { return }
      TemporaryName.removeLeftovers(in: folder)
      // A run that was killed, or somebody else, may have left it without some of these.
      try writeRest()
      listener.note("\(file.path) holds these answers already")
      if try Provenance(of: folder) == nil { try record.write() }
      return
    }
    _ = try ranks.exchange {
      guard ranks.isFirst else { return [] }
      try refuseOtherFiles()
      TemporaryName.removeLeftovers(in: folder)
      return []
    }
    defer { listener.progressEnded() }
    try TeacherCacheFile.write(
      file, description: description, examples: examples, teacher: model.model, budget: budget, over: ranks,
      beforeCommit: writeRest,
      progress: {
        listener.progress("Asking the teacher", done: $0, total: examples.count)
        try JobInterruption.check(
          observers, "the answers so far are kept; the same command goes on from them")
      })
    if ranks.isFirst { try record.write() }
  }

  /// Inputs of the work with the parts that they play.
  private var inputs: [ProvenanceInput] {
    [ProvenanceInput("teacher", job.teacher)] + job.reader.provenance(of: [.train, .unlabelled])
      + [job.student.map { ProvenanceInput("student", $0) }].compactMap { $0 }
  }

  /// Whether a finished cache holds these answers.
  private func isThere() throws -> Bool {
    guard FileManager.default.fileExists(atPath: file.path), !job.overwritesOutput else { return false }
    let found = try TeacherCacheFile(file)
    if found.description.precision != description.precision {
      throw description.precision.fault(ofAnswersIn: found.description.precision, at: file.path)
    }
    let faults =
      found.faults(for: description.key, parts: description.parts)
      + (found.description.isTemporary ? ["it belongs to a run, which deletes it at its end"] : [])
    if faults.isEmpty { return true }
    throw TaskError(
      "\(file.path) is there and does not fit: \(faults.joined(separator: "; ")). Choose another folder, or add "
        + "--overwrite-output-dir")
  }

  /// Refuses a folder that holds more than what an interrupted run has left.
  private func refuseOtherFiles() throws {
    guard let path = job.output else { return }
    let own = [TeacherCacheFile.fileName, TeacherCacheFile.fileName + ".partial"]
    // The last that is written before the cache gets its name.
    let rest = [
      "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt",
      "vocab.json", "merges.txt", Provenance.fileName,
    ]
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let isOwn = contents.contains { own.contains($0) }
    if !isOwn
      || !contents.allSatisfy({ own.contains($0) || rest.contains($0) || TemporaryName.isTemporary($0) })
    {
      _ = try OutputFolder(path, overwrite: job.overwritesOutput)
    }
  }
}
