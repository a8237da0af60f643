import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import ModelFormats
import Tasks

/// Options of a masked language model's teacher, under the names of Hugging Face's distillation script.
package struct TripleLossOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model to imitate, a Hugging Face directory: a masked language model (DistilBERT's triple loss), or with --alpha-ce 0 "
        + "any encoder, for its layers.",
      valueName: "folder"), completion: .directory)
  package var teacher: String?

  @Option(
    help: ArgumentHelp(
      "The student of --teacher, instead of --model or --config: T6, T3 (any T<n>) or layers:0,5,11 of it.",
      valueName: "student"))
  package var student: String?

  @Option(help: "Weight of T² · KL(teacher ‖ student) (default: 5).")
  package var alphaCe: Double?

  @Option(help: "Weight of the cross-entropy of the hidden tokens (default: 2).")
  package var alphaMlm: Double?

  @Option(help: "Weight of the cosine distance of the last hidden states (default: 1).")
  package var alphaCos: Double?

  @Option(help: "T, the divisor of both sides' logits (default: 2).")
  package var temperature: Double?

  @Flag(inversion: .prefixedNo, help: "Compare the logits of hidden tokens only, not of all (default: yes).")
  package var restrictCeToMask: Bool?

  @Option(
    help: ArgumentHelp(
      "A loss between layers beside these, as of 'potstill distill'; may be given several times. Such as minilmv2, or "
        + "uniform with uniform:attention_mse, the general stage of TinyBERT, with the weights above 0.",
      valueName: "match"))
  package var match: [JSONArgument] = []

  package init() {}

  /// Checks that settings of a distillation come with a teacher.
  func check() throws {
    let others =
      [alphaCe, alphaMlm, alphaCos, temperature].contains { $0 != nil } || restrictCeToMask != nil
      || student != nil || !match.isEmpty
    if teacher == nil && others {
      throw UsageError(
        "options of a distillation are given, but no --teacher; name the model to imitate")
    }
  }

  /// The loss without its matches.
  var loss: TripleLoss {
    let usual = TripleLoss()
    return TripleLoss(
      temperature: temperature ?? usual.temperature, alphaCE: alphaCe ?? usual.alphaCE,
      alphaMLM: alphaMlm ?? usual.alphaMLM, alphaCos: alphaCos ?? usual.alphaCos,
      restrictsCEToMask: restrictCeToMask ?? usual.restrictsCEToMask)
  }

  /// The options as a run's recipe holds them, every default written out.
  var recipe: JSONObject {
    get throws {
      var object = try given()
      if teacher == nil { return object }
      for (key, value) in loss.settings { object[key] = value }
      return object
    }
  }
}

/// Options of masking, under the names of Hugging Face's `run_mlm` and of its whole-word data collator.
package struct MaskingOptions: ParsableArguments {
  @Option(help: "Share of the tokens to hide (default: the task's, else 0.15).")
  package var mlmProbability: Double?

  @Flag(
    inversion: .prefixedNo,
    help: "Hide all pieces of a word together (default: the task's, else no).")
  package var wholeWordMask: Bool?

  @Option(
    help: ArgumentHelp(
      "Words, one a line, by which Chinese characters are put together to words with --whole-word-mask.",
      valueName: "file"), completion: .file())
  package var wordList: String?

  @Flag(
    inversion: .prefixedNo,
    help:
      "Make each line a sequence of its own, instead of laying lines end to end (default: the task's, else no)."
  )
  package var lineByLine: Bool?

  package init() {}

  /// The settings of a run: the task's, then these.
  func settings(over task: MaskingSettings) -> MaskingSettings {
    MaskingSettings(
      probability: mlmProbability ?? task.probability, wholeWords: wholeWordMask ?? task.wholeWords,
      wordListFile: wordList ?? task.wordListFile, isLineByLine: lineByLine ?? task.isLineByLine)
  }
}

/// Options of the text of a pretraining, and of the model that it begins with.
package struct PretrainingSource: ParsableArguments {
  @Option(
    name: .shortAndLong, parsing: .upToNextOption,
    help: ArgumentHelp("Text files in UTF-8: what the model learns from.", valueName: "file"),
    completion: .file())
  package var input: [String] = []

  @Option(
    help: ArgumentHelp("The Hugging Face directory to go on with.", valueName: "folder"),
    completion: .directory)
  package var model: String?

  @Option(
    help: ArgumentHelp(
      "The shape of a fresh model: T3-small, T4-tiny, T12-nano, or the path of a config.json.",
      valueName: "shape"))
  package var config: String?

  @Option(
    help: ArgumentHelp(
      "The folder of the tokenizer (default: that of --model). Its vocabulary decides that of a fresh model.",
      valueName: "folder"), completion: .directory)
  package var tokenizer: String?

  package init() {}
}
