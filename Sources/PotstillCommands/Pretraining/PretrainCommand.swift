import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import ModelFormats
import Tasks
import Terminal
import Training

/// Command `potstill pretrain`.
package struct PretrainCommand: RecipeCommand, RankedCommand {
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

  @Argument(help: "A recipe: these options in a YAML or JSON file.", completion: .file())
  package var recipe: String?

  @OptionGroup(title: "Text and model")
  package var source: PretrainingSource

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

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    let outputPath = try checkOptions()
    try general.apply(to: console)
    let text = try text(console)
    var job = try PretrainingJob(
      text, from: start,
      training: try training.config(for: text.task, canEvaluate: text.validation != nil), output: outputPath)
    job.teacher = distillation.teacher
    (job.loss, job.matches) = (distillation.loss, try distillation.match.values(of: "match"))
    (job.maxTrainSamples, job.maxEvalSamples) = (training.maxTrainSamples, training.maxEvalSamples)
    job.allowsNonFinite = console.allowsNonFinite
    (job.overwritesOutput, job.resumption) = (output.overwriteOutputDir, training.resumption)
    let prepared = try job.prepare(console)
    let results = try prepared.run(
      observers: [TrainingView(console), SignalWatch { console.note($0) }],
      recipe: ResolvedRecipe.yaml(command: "pretrain", try recipeObjects(prepared.job)),
      inputs: text.inputs
        + [source.model, source.config, source.tokenizer, distillation.teacher].compactMap { $0 })
    console.note("checkpoint and results are in \(outputPath)")
    console.result(json ? JSONValue.object(results).prettyText : nil, orTable: ResultTable.of(results))
  }

  /// Checks that no option is missing or contradicts another; returns the run folder.
  private func checkOptions() throws -> String {
    try distillation.check()
    var missing = MissingOptions()
    let starts = [
      ("--model", source.model), ("--config", source.config), ("--student", distillation.student),
    ].filter {
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
    } else if source.config != nil && distillation.teacher == nil {
      _ = missing.require(
        source.tokenizer, "--tokenizer", "the folder of a tokenizer; 'potstill vocab' makes one")
    }
    if source.input.isEmpty && task.task == nil && task.trainFile == nil {
      _ = missing.require(nil, "--input", "text files; or --task and --data")
    }
    let path = missing.require(output.output, "--output", "the run folder")
    try missing.check()
    return path
  }

  /// The model to begin with.
  private var start: PretrainingJob.Start {
    if let model = source.model { return .model(model, tokenizer: source.tokenizer) }
    if distillation.teacher != nil, let student = distillation.student { return .layers(student) }
    return .shape(source.config ?? "", tokenizer: source.tokenizer)
  }

  /// The text of `--task`, or else the files of `--input`.
  private func text(_ console: Console) throws -> PretrainingText {
    guard task.task != nil else {
      // run_mlm calls its text --train_file.
      return try PretrainingText(
        files: source.input + (task.trainFile.map { [$0] } ?? []), validation: task.validationFile,
        maxLength: task.maxSeqLength ?? 128, masking: masking.settings(over: MaskingSettings()),
        badRows: task.skipBadRows ? .skip : .fail, isFresh: source.model == nil)
    }
    if !source.input.isEmpty {
      throw UsageError(
        "--input and --task are both given; the task names its files already, so leave one out")
    }
    let reader = try task.open(console, trainsMaskedModels: true)
    return try PretrainingText(
      reader, masking: masking.settings(over: reader.task.masking), ownsWordList: masking.wordList != nil,
      isFresh: source.model == nil)
  }

  private func recipeObjects(_ job: PretrainingJob) throws -> [JSONObject] {
    var own = JSONObject()
    if !source.input.isEmpty { own["input"] = .array(source.input.map { .string($0) }) }
    own["model"] = source.model.map { .string($0) }
    own["config"] = source.config.map { .string($0) }
    own["tokenizer"] = source.tokenizer.map { .string($0) }
    own["output"] = .string(job.output)
    own["max_seq_length"] = .integer(job.text.task.maxSequenceLength)
    return [
      try task.given(), own, try distillation.recipe, job.text.task.masking.settings,
      try training.recipe(job.training),
    ]
  }
}
