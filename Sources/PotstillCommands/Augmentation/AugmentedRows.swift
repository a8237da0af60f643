import Distillation
import Encoders
import Kernels
import TaskData
import Tokenization

/// Makes new rows and says how many.
enum AugmentedRows {
  /// The rows that a recipe makes of others.
  ///
  /// - Parameter maskedModel: The folder of the masked language model for `masked_lm`; nil for none.
  static func make(
    of rows: TaskExamples, _ recipe: AugmentationRecipe, maskedModel: String?, console: Console
  ) throws -> TaskExamples {
    try checkAmount(of: rows, recipe)
    var candidates: MaskedCandidates?
    if let maskedModel, let count = recipe.maskedCandidates {
      let folder = try ModelFolder(maskedModel, head: .maskedLanguageModel)
      let model = try MaskedWordModel(folder.model, tokenizer: folder.tokenizer, candidateCount: count)
      candidates = { model.candidates(for: $0) }
    }
    var augmenter = try TextAugmenter(rows, recipe: recipe, candidates: candidates)
    let progress = ProgressDisplay(console)
    defer { progress.finishLine() }
    return augmenter.makeAll { made, wanted in
      progress.show("Augmenting", done: made, total: wanted)
    }
  }

  /// Refuses more rows than the memory can hold: new rows are as long as those given, and half of it is theirs.
  private static func checkAmount(of rows: TaskExamples, _ recipe: AugmentationRecipe) throws {
    let (wanted, isTooMany) =
      switch recipe.amount {
      case .count(let count): (count, false)
      case .copies(let copies): copies.multipliedReportingOverflow(by: max(1, rows.count))
      case .asManyAsGiven: (rows.count, false)
      }
    let size = max(1, rows.textBytes / max(1, rows.count))
    // A word is a string of its own, and a row is looked up by its words.
    let most = Machine.memoryLimit / 2 / (12 * size + 512)
    guard !isTooMany, wanted <= most else {
      throw CommandError(
        "found \(isTooMany ? "more than \(Int.max)" : "\(wanted)") new texts to make, but the memory holds about "
          + "\(grouped(most)) of them; ask for fewer with --count or --copies (--augment-count or --augment-copies)"
      )
    }
  }
}

extension TaskExamples {
  /// The bytes of all texts.
  fileprivate var textBytes: Int {
    switch self {
    case .texts(let rows): rows.reduce(0) { $0 + $1.text.utf8.count + ($1.pair?.utf8.count ?? 0) }
    case .sentences(let rows): rows.reduce(0) { $0 + $1.words.reduce(0) { $0 + $1.utf8.count + 1 } }
    case .questions: 0
    }
  }
}
