import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Training

/// `potstill multitask`.
package struct MultitaskCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "multitask",
    abstract: "Distil the teachers of several tasks into one student.",
    discussion: """
      The student is one encoder with a head for each task. Every update is of one task, drawn with a chance proportional \
      to its weight times its number of examples to the power of --tau. An epoch has as many updates as one pass over all \
      data takes. The tasks stand in a recipe:

        student: T3
        output: student/
        num_train_epochs: 3
        tasks:
          - {task: sst2, data: SST-2/, teacher: sst2-teacher/}
          - {task: stsb, data: STS-B/, teacher: stsb-teacher/, weight: 2, distillation: {hard_label_weight: 0.5}}
          - {task: rte, data: RTE/}

        potstill multitask recipe.yaml --dry-run

      An entry takes task, data, teacher, teacher_cache, weight, name, train_file, validation_file, unlabelled_file, max_seq_length, \
      skip_bad_rows, doc_stride and so on, and in distillation what the options below say of all tasks. A task without a teacher is learnt from its \
      labels; without any teacher this is multi-task training of the model that --student names. The student of each task \
      is saved as a folder of its own, complete, in the output folder. Hyper-parameters that suit single tasks are not read \
      from their files.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.")
  package var recipe: String?

  @Option(help: ArgumentHelp("The tasks as a JSON list; a recipe holds them as a list.", valueName: "list"))
  package var tasks: JSONArgument?

  @Option(
    help: ArgumentHelp(
      "T6, T3 (any T<n>), uniform:3, last:3, first:3 or layers:0,5,11 of the first teacher, T3-small, T4-tiny, T12-nano, "
        + "BiGRU, BiLSTM, CNN, or a Hugging Face directory.",
      valueName: "student"))
  package var student: String?

  @Option(help: "Power of the tasks' sizes in their chance: 1 draws in proportion, 0 evenly (default: 1).")
  package var tau: Double?

  @Flag(help: "Check everything, print the plan of each task and stop.")
  package var dryRun = false

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @Flag(
    help:
      "Train the same student on the labels alone too, with the same settings and seed, into baseline/ of the run folder."
  )
  package var baseline = false

  @OptionGroup(title: "Distillation")
  package var distillation: DistillationOptions

  @OptionGroup(title: "Teachers' answers")
  package var caching: CachingOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the plan or the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    if tasks == nil { _ = missing.require(nil, "--tasks", "a list, best in a recipe") }
    let name = missing.require(student, "--student", "such as T3, T4-tiny or a directory")
    let outputPath = dryRun ? "" : missing.require(output.output, "--output", "the run folder")
    try missing.check()
    try general.apply(to: console)
    let folder = try dryRun ? nil : output.folder(outputPath, of: training)
    let list = try tasks?.value(of: "tasks") ?? []
    let entries = try TaskEntry.read(list)
    let run = try MultitaskRun(
      entries, student: name, tau: tau ?? 1, distillation: distillation, caching: caching, training: training,
      folder: folder?.url, console: console)
    let alone = try baseline ? run.onLabelsAlone() : nil
    let doubts = try run.doubts(console)
    if let ignored = run.student.ignoredText { console.note("\(name): \(ignored)") }
    guard let folder else {
      console.result(json ? run.planJSON.prettyText : run.planLines.joined(separator: "\n"))
      for doubt in run.warnings + doubts { console.warn("\(doubt)") }
      return
    }
    for line in run.planLines { console.note(line) }
    for warning in run.warnings + doubts { console.warn("\(warning)") }
    var options = JSONObject()
    options["tasks"] = list
    options["student"] = .string(name)
    options["tau"] = tau.map { .double($0) }
    options["max_cache_gb"] = caching.maxCacheGb.map { .double($0) }
    if baseline { options["baseline"] = true }
    options["output"] = .string(outputPath)
    let runFolder = try RunFolder(
      folder,
      recipe: ResolvedRecipe.yaml(
        command: "multitask",
        [options, DistillationOptions.recipe(try distillation.json()), try training.recipe(run.training)]),
      resuming: training.resumePoint(in: folder.url), inputs: entries.flatMap(\.inputs),
      members: run.members.map { $0.folder(in: folder.url) })
    defer { runFolder.release() }
    try run.train(
      into: folder.url, runFolder, resumingFrom: training.resumePoint(in: folder.url), console: console)
    try run.save(into: folder.url)
    let measured = try alone.map { try train(baseline: $0, in: folder, console) } ?? []
    try finish(run, baseline: measured, runFolder.log, console)
  }

  /// Trains the student as it was on the labels alone; returns how it does on each task.
  private func train(
    baseline: MultitaskRun, in folder: OutputFolder, _ console: Console
  ) throws -> [Measurement?] {
    console.note("baseline: the same student on the labels alone")
    let url = TrainingOptions.baseline(in: folder.url)
    let point = training.laterResumePoint
    let runFolder = try RunFolder(
      part: url, resuming: point, members: baseline.members.map { $0.folder(in: url) })
    try baseline.train(into: url, runFolder, resumingFrom: point, console: console)
    try baseline.save(into: url)
    return try baseline.measureStudents(in: url, console: console)
  }

  /// Measures the student of each task beside its teacher, and prints the results.
  private func finish(
    _ run: MultitaskRun, baseline: [Measurement?], _ log: RunLog, _ console: Console
  ) throws {
    var tables: [(name: String, rows: [Measurement])] = []
    let students = try run.measureStudents(in: log.directory, console: console)
    for (index, member) in run.members.enumerated() {
      guard let student = students[index] else { continue }
      let teacher = try member.measureTeacher(student.metrics.map(\.name), console: console)
      let alone = baseline.isEmpty ? nil : baseline[index]
      if let teacher {
        try RunLog(member.folder(in: log.directory)).writeComparison(
          teacher: teacher, baseline: alone, student: student)
      }
      tables.append((member.entry.name, [teacher, alone, student].compactMap { $0 }))
    }
    if !tables.isEmpty {
      try log.writeResults("eval", run.distiller.summary(of: students.map { $0?.evaluation?.result }).json)
    }
    let results =
      try JSONValue(contentsOf: log.directory.appending(path: "all_results.json")).objectValue ?? JSONObject()
    console.note("a student for each task and the results are in \(log.directory.path)")
    if json {
      console.result(JSONValue.object(results).prettyText)
      return
    }
    console.result(ResultTable.of(results))
    for (name, rows) in tables {
      console.result("\n\(name)")
      console.result(Measurement.table(rows))
    }
  }
}
