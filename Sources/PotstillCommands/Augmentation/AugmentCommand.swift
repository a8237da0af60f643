import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import Foundation
import ModelFormats
import Tasks
import Terminal

/// Command `potstill augment`.
package struct AugmentCommand: RecipeCommand {
  package static let configuration = CommandConfiguration(
    commandName: "augment",
    abstract: "Make more texts for a teacher to label.",
    discussion: """
      Writes new texts made of a task's training texts, without labels: 'potstill distill --unlabelled-file' lets the \
      teacher judge them. Pairs and sentences of tagged words go into a file of JSON lines (.jsonl). Beside the output lies \
      its recipe, from which the same texts can be made again.

        potstill augment --task sst2 --data SST-2/ --count 45000 --output more.txt
        potstill augment --task sst2 --data SST-2/ --copies 20 \\
          --methods masked_lm --mlm-model bert/ --output more.txt
        potstill distill --task sst2 --data SST-2/ --unlabelled-file more.txt \\
          --teacher teacher/ --student T3 --output student/
        potstill augment more.recipe.yaml --output again.txt

      Methods, of which each text takes one, with their parameters: masking (p 0.1: hides words), deleting (p 0.1), \
      n_gram_sampling (l_ng [1,2,3,4,5], p_ng: keeps a few words), short_disorder (p [0.9,0.1,0,0,0] of abc, bac, cba, \
      cab, bca), long_disorder (p 0.1, length 20, or a share of the text below 2), replacement (p 0.15: words of other \
      texts), joining (two short texts), masked_lm (p 0.4, candidates 15: what a masked language model would say; words of \
      several tokens and function words stay). The changes of 'potstill robustness' are methods too: typos, homophones, \
      similar_shapes, word_order (strength 0.1), case, punctuation, negation, shortening, lengthening. Write names, with shares behind a colon where they differ \
      (masking:2,deleting), or JSON with parameters: '[{"method": "masking", "p": 0.2, "weight": 2}, "deleting"]'. \
      Without --methods: masking (p 0.12) for 25%, replacement for 35%, joining for 40%.
      """)

  @Argument(help: "A recipe: these options in a YAML or JSON file.", completion: .file())
  package var recipe: String?

  @OptionGroup(title: "Task")
  package var task: TaskOptions

  @OptionGroup(title: "Texts")
  package var texts: AugmentedTexts

  @OptionGroup
  package var general: GeneralOptions

  package init() {}

  package mutating func run(_ console: Console) throws {
    var missing = MissingOptions()
    let output = missing.require(texts.output, "--output", "the file to write")
    task.require(&missing)
    try missing.check()
    if output.isEmpty { throw UsageError("--output is empty; expected the path of a file to write") }
    try general.apply(to: console, computes: texts.mlmModel != nil)
    let note = URL(filePath: output).deletingPathExtension().relativePath + ".recipe.yaml"
    let file = try OutputFile(output, option: "--output", overwrite: texts.overwriteOutputDir)
    _ = try OutputFile(note, option: "the recipe beside --output,", overwrite: texts.overwriteOutputDir)
    let reader = try task.open(console)
    if file.isAmong(reader.paths) {
      throw CommandError("--output \(output) is a file of task \(reader.task.name); choose another file")
    }
    let recipe = AugmentationRecipe(
      try texts.methods?.parts ?? AugmentationRecipe.standard,
      amount: AugmentationAmount.of(count: texts.count, copies: texts.copies), seed: texts.seed ?? 42,
      maskToken: texts.maskToken ?? "[MASK]")
    let (rows, path, readingNote) = try reader.readExamples(.train)
    console.note(readingNote)
    // What cannot be written is found before anything is made.
    _ = try UnlabelledFile.text(rows.prefix(1), path: output, task: reader.task)
    let made = try AugmentedRows.make(
      of: rows, recipe, maskedModel: texts.mlmModel, allowsNonFinite: console.allowsNonFinite,
      listener: console)
    let wanted = texts.count ?? rows.count
    if texts.copies == nil ? made.count < wanted : made.count == 0 {
      throw CommandError(
        "\(path) yields only \(made.count) new texts"
          + (texts.copies == nil
            ? ", fewer than --count \(wanted); ask for fewer" : "; choose other --methods"))
    }
    try write(try UnlabelledFile.text(made, path: output, task: reader.task), to: output)
    try write(
      ResolvedRecipe.yaml(command: "augment", [try task.given(), try options(recipe, output)]), to: note)
    console.note("wrote \(grouped(made.count)) texts to \(output), and how they were made to \(note)")
  }

  private func write(_ text: String, to path: String) throws {
    do {
      try AtomicFile.write(Array(text.utf8), to: URL(filePath: path))
    } catch FormatError.cannotWrite(_, let reason) {
      throw CommandError("--output \(path) cannot be written: \(reason)")
    }
  }

  /// The options with every default written out.
  private func options(_ recipe: AugmentationRecipe, _ output: String) throws -> JSONObject {
    var object = JSONObject()
    object["output"] = .string(output)
    object["methods"] = recipe.partsJSON
    object["count"] = texts.count.map { .integer($0) }
    object["copies"] = texts.copies.map { .integer($0) }
    object["mlm_model"] = texts.mlmModel.map { .string($0) }
    object["mask_token"] = .string(recipe.maskToken)
    object["seed"] = AugmentationAmount.seed(recipe.seed)
    return object
  }
}

/// Options of the texts that are made.
package struct AugmentedTexts: ParsableArguments {
  @Option(
    name: .shortAndLong, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  package var output: String?

  @Flag(help: "Write over the file and its recipe where they exist; never over the task's own files.")
  package var overwriteOutputDir = false

  @Option(help: ArgumentHelp("How texts are made; see above.", valueName: "methods"))
  package var methods: JSONArgument?

  @Option(help: ArgumentHelp("How many texts (default: as many as the training file has).", valueName: "n"))
  package var count: Int?

  @Option(
    help: ArgumentHelp(
      "How many texts of each training text, instead; fewer where there are no more new ones.", valueName: "n"
    ))
  package var copies: Int?

  @Option(
    help: ArgumentHelp(
      "The masked language model of the method masked_lm, a Hugging Face directory.", valueName: "folder"),
    completion: .directory)
  package var mlmModel: String?

  @Option(help: "What the models' tokenizer reads as its mask. (default: [MASK])")
  package var maskToken: String?

  @Option(help: "Decides the texts. (default: 42)")
  package var seed: UInt64?

  package init() {}

  package mutating func validate() throws {
    try AugmentationAmount.check(count: count, copies: copies, prefix: "--")
    if maskToken?.isEmpty == true { throw ValidationError("--mask-token is empty; expected a token.") }
  }
}
