import ArgumentParser
import CommandOptions
import Datasets
import Distillation
import ModelFormats

/// Option of rows without labels, which teachers answer.
package struct UnlabelledOption: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "More texts without labels, which the teacher labels: a .txt file with one a line, the .jsonl of 'potstill augment', or "
        + "a file like the task's own (default: the task's).",
      valueName: "file"), completion: .file())
  package var unlabelledFile: String?

  package init() {}
}

/// Options of augmentation before a distillation: the texts of `potstill augment`, made in memory.
package struct AugmentationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Make more texts of the training texts, which the teacher labels: methods as for 'potstill augment --methods', or \"standard\".",
      valueName: "methods"))
  package var augment: JSONArgument?

  @Option(help: ArgumentHelp("How many texts (default: as many as the training file has).", valueName: "n"))
  package var augmentCount: Int?

  @Option(help: ArgumentHelp("How many texts of each training text, instead.", valueName: "n"))
  package var augmentCopies: Int?

  @Option(help: ArgumentHelp("Decides the texts (default: --seed).", valueName: "seed"))
  package var augmentSeed: UInt64?

  @Option(
    help: ArgumentHelp(
      "The masked language model of the method masked_lm, a Hugging Face directory.", valueName: "folder"),
    completion: .directory)
  package var mlmModel: String?

  package init() {}

  package mutating func validate() throws {
    try AugmentationAmount.check(count: augmentCount, copies: augmentCopies, prefix: "--augment-")
  }

  /// Checks that settings of an augmentation come with one; parsing cannot, as it reads a recipe's keys one by one.
  func check() throws {
    if augment == nil, augmentCount != nil || augmentCopies != nil || augmentSeed != nil || mlmModel != nil {
      throw UsageError("options of augmentation are given, but no --augment; name its methods")
    }
  }

  /// The augmentation that the options ask for; nil for none.
  func augmentation() throws -> JobAugmentation? {
    try augment.map { augment in
      JobAugmentation(
        augment.text == "standard" ? AugmentationRecipe.standard : try augment.parts,
        amount: AugmentationAmount.of(count: augmentCount, copies: augmentCopies), seed: augmentSeed,
        maskedModel: mlmModel)
    }
  }

  /// The options as a run's recipe holds them, every parameter written out.
  func recipe(_ made: AugmentationRecipe?) throws -> JSONObject {
    guard let made else { return JSONObject() }
    var object = try given()
    object["augment"] = made.partsJSON
    object["augment_seed"] = AugmentationAmount.seed(made.seed)
    return object
  }
}

/// Amount and seed of an augmentation, from options and for recipes.
enum AugmentationAmount {
  static func check(count: Int?, copies: Int?, prefix: String) throws {
    for (name, value) in [("count", count), ("copies", copies)] {
      if let value, value < 1 { throw ValidationError("\(prefix)\(name) is \(value); expected at least 1.") }
    }
    if count != nil && copies != nil {
      throw ValidationError("\(prefix)count and \(prefix)copies are both given; keep one of them.")
    }
  }

  /// A seed as JSON for a recipe, whatever its size.
  static func seed(_ seed: UInt64) -> JSONValue {
    Int(exactly: seed).map { .integer($0) } ?? .string("\(seed)")
  }

  static func of(count: Int?, copies: Int?) -> AugmentationRecipe.Amount {
    copies.map { .copies($0) } ?? count.map { .count($0) } ?? .asManyAsGiven
  }
}

extension JSONArgument {
  /// The methods of an augmentation that this names or describes.
  var parts: [AugmentationRecipe.Part] {
    get throws {
      if let text { return try AugmentationRecipe.parts(reading: text) }
      return try AugmentationRecipe.parts(try value(of: "methods"))
    }
  }
}
