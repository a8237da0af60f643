import ArgumentParser
import Distillation
import Encoders
import Foundation
import ModelFormats
import TaskData
import Tasks
import Tensors
import Training

/// `potstill pretrain`.
package struct PretrainCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "pretrain",
    abstract: "Train a masked language model on plain text.",
    discussion: """
      Hides tokens of the text, others in each epoch, and teaches a model to guess them: the start of a student that no \
      teacher's layers suit, or the way of a model into a new domain. Needs no labels. The run folder receives a Hugging \
      Face directory that 'potstill train --model' fine-tunes and AutoModelForMaskedLM loads.

      From scratch, in one of the student shapes, over a vocabulary of 'potstill vocab' or of any model:

        potstill vocab    --input wiki.txt --output tokenizer/ --vocab-size 8000
        potstill pretrain --input wiki.txt --tokenizer tokenizer/ \\
          --config T4-tiny --output base/
        potstill train    --task sst2 --data SST-2/ --model base/ --output student/

      Going on with a model on text of another domain:

        potstill pretrain --input reviews.txt --model MODEL_DIR --output adapted/

      With a teacher, another masked language model, the student learns its predictions and its last layer too, as \
      DistilBERT does: alpha_ce · T² · KL + alpha_mlm · cross-entropy + alpha_cos · cosine distance, on masks that both share:

        potstill pretrain --input wiki.txt --teacher bert-base/ --student T6 --output distilled/

      --match compares further layers, or only these, as MiniLMv2 does:

        potstill pretrain --input wiki.txt --teacher bert-base/ --student T6 --match minilmv2 \\
          --alpha-ce 0 --alpha-mlm 0 --alpha-cos 0 --output distilled/

      The text is tokenized once, into a file train.tokens of the run folder, so it may be larger than memory and a run \
      can be resumed; when the run is over, the file may be deleted. Where neither options nor task say otherwise: 128 \
      tokens a sequence, 32 sequences a batch, learning rate 5e-4 from scratch and 5e-5 with --model, 6% warm-up, weight decay 0.01.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.")
  package var recipe: String?

  @Option(
    name: .shortAndLong, parsing: .upToNextOption,
    help: ArgumentHelp("Text files in UTF-8: what the model learns from.", valueName: "file"))
  package var input: [String] = []

  @Option(help: ArgumentHelp("The Hugging Face directory to go on with.", valueName: "folder"))
  package var model: String?

  @Option(
    help: ArgumentHelp(
      "The shape of a fresh model: T3-small, T4-tiny, T12-nano, or the path of a config.json.",
      valueName: "shape"))
  package var config: String?

  @Option(
    help: ArgumentHelp(
      "The folder of the tokenizer (default: that of --model). Its vocabulary decides that of a fresh model.",
      valueName: "folder"))
  package var tokenizer: String?

  @OptionGroup(title: "Teacher")
  package var distillation: TripleLossOptions

  @OptionGroup(title: "Task of kind masked_lm, instead of --input")
  package var task: TaskOptions

  @OptionGroup(title: "Masking")
  package var masking: MaskingOptions

  @OptionGroup(title: "Run")
  package var output: OutputOptions

  @OptionGroup(title: "Training")
  package var training: TrainingOptions

  @Flag(help: "Print the results as one JSON object.")
  package var json = false

  @OptionGroup(title: "General")
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    let outputPath = try checkOptions()
    try general.apply(to: console)
    let folder = try output.folder(outputPath, of: training)
    var text = try PretrainingText(
      input: input, options: task, masking: masking, isFresh: model == nil, console: console)
    let settings = try training.config(for: text.task, canEvaluate: text.validation != nil)
    let teacher = try distillation.loadTeacher(console)
    let start = try startModel(of: teacher, seed: settings.seed)
    let distiller = try teacher.map {
      try distillation.distiller(teacher: $0, student: start, seed: settings.seed)
    }
    try distiller?.checkAccumulation(settings.gradientAccumulationSteps)
    if let teacher {
      text.task.maxSequenceLength = teacher.lengthLimit(text.task.maxSequenceLength)
    }
    if let report = start.model.loadReport { console.note("\(model ?? ""): \(report)") }
    if start.lengthLimit < text.task.maxSequenceLength {
      console.note("sequences have up to \(start.lengthLimit) tokens, the most that the model reads")
    }
    let masker = try text.masker(start.tokenizer)

    let run = try RunFolder(
      folder, recipe: ResolvedRecipe.yaml(command: "pretrain", try recipeObjects(text, settings, outputPath)),
      resuming: training.resumePoint(in: folder.url),
      inputs: text.inputs + [model, config, tokenizer, distillation.teacher].compactMap { $0 })
    defer { run.release() }
    let corpus = try text.corpus(
      text.inputs, limit: training.maxTrainSamples, for: start,
      in: folder.url.appending(path: "train.tokens"),
      console)
    let validation = try text.validation.map { path in
      try text.corpus(
        [path], limit: training.maxEvalSamples, for: start,
        in: folder.url.appending(path: "validation.tokens"), console)
    }
    let log = run.log
    var origin = RunOrigin(
      model: Parameter.fingerprint(of: start.model.parameters),
      validation: try validation?.contentFingerprint())
    if let teacher {
      origin.teachers = [CacheKey.fingerprint(of: teacher.model)]
      origin.settings = try distillation.recipe
      origin.settings["teacher"] = nil
      origin.settings["student"] = nil
    }
    // Where the files lie does not matter, and what is in them is in the rows.
    var hiding = MaskingOptions.recipe(text.task.masking)
    hiding["word_list"] = nil
    for (key, value) in hiding { origin.settings[key] = value }
    let trainer = MaskedLanguageTrainer(
      model: start.model, train: corpus, validation: validation, masker: masker, config: settings,
      objective: distiller,
      checkpoints: CheckpointFolder(folder.url, origin: origin) { try start.save(to: $0) },
      observers: [run.beginning, log, TrainingView(console), SignalWatch(console)])
    _ = try trainer.train(resumingFrom: training.resumePoint(in: folder.url))
    try start.save(to: folder.url)
    if let evaluation = try trainer.evaluate() { try log.writeResults("eval", evaluation.json) }
    if let teacher, let evaluation = try trainer.evaluate(teacher.model) {
      try log.writeComparison(teacher: teacher.model, evaluation, student: start.model)
    }
    let results = try JSONValue(contentsOf: folder.url.appending(path: "all_results.json"))
    console.note("checkpoint and results are in \(outputPath)")
    console.result(
      json ? results.prettyText : nil, orTable: ResultTable.of(results.objectValue ?? JSONObject()))
  }

  /// Everything that the command line lacks or says twice; returns the run folder.
  private func checkOptions() throws -> String {
    try distillation.check()
    var missing = MissingOptions()
    let starts = [("--model", model), ("--config", config), ("--student", distillation.student)].filter {
      $0.1 != nil
    }
    if starts.count > 1 {
      throw UsageError(
        "\(starts.map(\.0).joined(separator: " and ")) are \(starts.count == 2 ? "both" : "all") given; go on with a model, "
          + "begin a fresh one, or take layers of the teacher")
    }
    if starts.isEmpty {
      _ =
        distillation.teacher == nil
        ? missing.require(
          nil, "--model",
          "the Hugging Face directory to go on with; or --config and --tokenizer for a fresh model")
        : missing.require(nil, "--student", "such as T6; or --config or --model")
    } else if config != nil && distillation.teacher == nil {
      _ = missing.require(tokenizer, "--tokenizer", "the folder of a tokenizer; 'potstill vocab' makes one")
    }
    if input.isEmpty && task.task == nil && task.trainFile == nil {
      _ = missing.require(nil, "--input", "text files; or --task and --data")
    }
    let path = missing.require(output.output, "--output", "the run folder")
    try missing.check()
    return path
  }

  private func startModel(of teacher: TokenizedModel?, seed: UInt64) throws -> PretrainingModel {
    if let model { return try PretrainingModel(directory: model, tokenizer: tokenizer, seed: seed) }
    if let teacher, let student = distillation.student {
      return try PretrainingModel(student: student, of: teacher)
    }
    return try PretrainingModel(shape: config ?? "", tokenizer: tokenizer ?? teacher?.path ?? "", seed: seed)
  }

  private func recipeObjects(
    _ text: PretrainingText, _ settings: TrainingConfig, _ outputPath: String
  ) throws -> [JSONObject] {
    var own = JSONObject()
    if !input.isEmpty { own["input"] = .array(input.map { .string($0) }) }
    own["model"] = model.map { .string($0) }
    own["config"] = config.map { .string($0) }
    own["tokenizer"] = tokenizer.map { .string($0) }
    own["output"] = .string(outputPath)
    own["max_seq_length"] = .integer(text.task.maxSequenceLength)
    return [
      try task.given(), own, try distillation.recipe, MaskingOptions.recipe(text.task.masking),
      try training.recipe(settings),
    ]
  }
}
