import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tokenization
import Training

/// `potstill cache`.
package struct CacheCommand: ConsoleCommand {
  package static let configuration = CommandConfiguration(
    commandName: "cache",
    abstract: "Ask a teacher once about a data set, for students to learn from.",
    discussion: """
      Writes a folder with the teacher's logits for every training example, and with the layers that are asked \
      for, in half precision. 'potstill distill --teacher-cache' then trains students without the teacher, several from \
      one cache, also at once. A cache that was interrupted is gone on with by the same command.

        potstill cache --task sst2 --data SST-2/ --teacher teacher/ --output answers/
        potstill cache --task sst2 --data SST-2/ --teacher teacher/ --hidden-states 0,4,8,12 --output answers/
        potstill distill --task sst2 --data SST-2/ --teacher-cache answers/ --student T4-tiny --output student/
      """)

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @Option(
    help: ArgumentHelp(
      "More texts without labels: a .txt file with one a line, or a file like the task's own.",
      valueName: "file"))
  package var unlabelledFile: String?

  @Option(help: ArgumentHelp("Only the first so many training examples.", valueName: "n"))
  package var maxTrainSamples: Int?

  @Option(help: ArgumentHelp("The model that answers, a Hugging Face directory.", valueName: "folder"))
  package var teacher: String

  @Option(
    help: ArgumentHelp(
      "Layers whose hidden states are kept: 0 is the embeddings, -1 the last layer.", valueName: "0,4,8,12"))
  package var hiddenStates: String?

  @Option(
    help: ArgumentHelp(
      "Keep what this match of 'potstill distill' needs; may be given several times.", valueName: "match"))
  package var match: [JSONArgument] = []

  @Option(
    help: ArgumentHelp(
      "The student, for matches that depend on its depth, such as uniform.", valueName: "student"))
  package var student: String?

  @OptionGroup
  package var caching: CachingOptions

  @Flag(help: "Print what it would hold and take, and stop.")
  package var dryRun = false

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func validate() throws {
    try CountOption.checkSamples(maxTrainSamples, "--max-train-samples")
  }

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    let path =
      dryRun ? output.output ?? "." : missing.require(output.output, "--output", "the folder to write")
    try missing.check()
    try general.apply(to: console)
    let folder = URL(filePath: path, directoryHint: .isDirectory)
    let file = folder.appending(path: TeacherCacheFile.fileName)
    let reader = try task.open(console, unlabelledFile: unlabelledFile)
    let model = try TokenizedModel(teacher, for: reader.task.kind, console: console)
    var rows = try read(.train, reader, console)
    if let maxTrainSamples { rows = rows.prefix(max(0, maxTrainSamples)) }
    if reader.task.unlabelledFile != nil {
      rows = rows.appending(try read(.unlabelled, reader, console), upTo: maxTrainSamples, console: console)
    }
    let limit = model.lengthLimit(reader.task.maxSequenceLength, console: console)
    let examples = try model.encode(rows, of: reader.task, limit: limit).examples
    let parts =
      CachedPart.logits(of: model.model.config)
      + (try CacheSelection(of: model, student: student).parts(
        hiddenStates: hiddenStates, matches: match))
    let budget = caching.budget(at: file)
    if let fault = budget.fault(of: parts, lengths: examples.map(\.length)) {
      throw CommandError("\(file.path) \(fault)")
    }
    let description = TeacherCacheDescription(
      teacher: model.model, name: teacher, tokenizer: model.tokenizer, examples: examples, parts: parts,
      maxLength: limit, results: try scores(of: model, reader, limit: limit, console))
    if !dryRun {
      console.note("\(CacheBudget.text(description.byteCount)) in \(file.path)")
      // What a student needs of the teacher beside its answers.
      func writeRest() throws {
        try model.tokenizer.save(to: folder)
        try model.model.config.json.write(to: folder.appending(path: "config.json"))
      }
      if try !isThere(file, description) {
        try refuseOtherFiles(in: path)
        TemporaryName.removeLeftovers(in: folder)
        let progress = ProgressDisplay(console)
        let watch = SignalWatch(console)
        watch.start()
        defer {
          progress.finishLine()
          watch.stop()
        }
        _ = try TeacherCacheFile.build(
          file, description: description, examples: examples, teacher: model.model, budget: budget,
          beforeCommit: writeRest,
          progress: {
            progress.show("Asking the teacher", done: $0, total: examples.count)
            try watch.check("the answers so far are kept; the same command goes on from them")
          })
      } else {
        TemporaryName.removeLeftovers(in: folder)
        // A run that was killed, or somebody else, may have left it without some of these.
        try writeRest()
        console.note("\(file.path) holds these answers already")
      }
    }
    let results = Self.summary(description, file: file)
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }

  private func read(_ split: DataSplit, _ reader: TaskReader, _ console: Console) throws -> TaskExamples {
    let (examples, _, account) = try reader.readExamples(split)
    console.note(account)
    return examples
  }

  /// The rows that the teacher is checked on; nil without any, since answers need none.
  private func validationRows(_ reader: TaskReader, _ console: Console) throws -> TaskExamples? {
    guard !dryRun, reader.task.validationFile != nil else { return nil }
    do {
      return try read(.validation, reader, console)
    } catch TaskDataError.unreadableFile(let path, let reason) where task.validationFile == nil {
      console.warn("\(path): \(reason). The teacher is not checked without validation rows")
      return nil
    }
  }

  /// Whether a finished cache holds these answers.
  private func isThere(_ file: URL, _ description: TeacherCacheDescription) throws -> Bool {
    guard FileManager.default.fileExists(atPath: file.path), !output.overwriteOutputDir else { return false }
    let faults = try TeacherCacheFile(file).faults(for: description.key, parts: description.parts)
    if faults.isEmpty { return true }
    throw CommandError(
      "\(file.path) is there and does not fit: \(faults.joined(separator: "; ")). Choose another folder, or add "
        + "--overwrite-output-dir")
  }

  /// A folder may hold what an interrupted run has left, and nothing else.
  private func refuseOtherFiles(in path: String) throws {
    let own = [TeacherCacheFile.fileName, TeacherCacheFile.fileName + ".partial"]
    // The last that is written before the cache gets its name.
    let rest = [
      "config.json", "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt",
      "vocab.json",
      "merges.txt",
    ]
    let contents = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    let isOwn = contents.contains { own.contains($0) }
    if !isOwn
      || !contents.allSatisfy({ own.contains($0) || rest.contains($0) || TemporaryName.isTemporary($0) })
    {
      _ = try OutputFolder(path, overwrite: output.overwriteOutputDir)
    }
  }

  /// What the teacher's run folder says of its scores; where it says nothing, they are measured on the validation rows.
  ///
  /// Warns of a teacher that only guesses: those who learn from its answers will never see it.
  private func scores(
    of model: TokenizedModel, _ reader: TaskReader, limit: Int, _ console: Console
  ) throws -> JSONObject {
    let url = URL(filePath: teacher).appending(path: "all_results.json")
    var results = JSONObject()
    for (name, value) in (try? JSONValue(contentsOf: url))?.objectValue ?? JSONObject()
    where name.hasPrefix("eval_") && value.doubleValue != nil {
      results[name] = value
    }
    let rows = try validationRows(reader, console)
    if results.isEmpty {
      let check = try model.checked(on: rows, of: reader.task, limit: limit, console: console)
      for metric in check?.result.metrics ?? [] { results["eval_" + metric.name] = .double(metric.value) }
      if let doubt = check?.doubt { console.warn("\(doubt)") }
    } else if let doubt = try model.doubtOfChance(
      on: rows, of: reader.task, limit: limit, console: console)
    {
      console.warn("\(doubt)")
    }
    return results
  }

  private static func summary(_ description: TeacherCacheDescription, file: URL) -> JSONObject {
    var object = JSONObject()
    object["file"] = .string(file.path)
    object["teacher"] = .string(description.teacherName)
    object["examples"] = .integer(description.lengths.count)
    object["tokens"] = .integer(description.lengths.reduce(0, +))
    object["bytes"] = .integer(description.byteCount)
    object["holds"] = .string(CachedPart.names(of: description.parts))
    for (name, value) in description.teacherResults { object["teacher_" + name] = value }
    return object
  }
}
