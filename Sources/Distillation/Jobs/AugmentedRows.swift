import Datasets
import Encoders
import Kernels
import ModelFormats
import Tasks
import Tokenization

/// Rows that an augmentation makes of others, as many as the memory holds.
package enum AugmentedRows {
  /// The rows that a recipe makes of others.
  ///
  /// - Parameter maskedModel: The folder of the masked language model for `masked_lm`; nil for none.
  package static func make(
    of rows: TaskExamples, _ recipe: AugmentationRecipe, maskedModel: String?, allowsNonFinite: Bool = false,
    listener: any WorkListener
  ) throws -> TaskExamples {
    let most = mostRows(like: rows)
    let (wanted, isTooMany) = amount(of: rows, recipe)
    // Rows may run out long before the memory does, so only what is beyond all bounds is refused at once.
    if isTooMany || wanted > max(most, 100_000_000) { throw tooMany(isTooMany ? nil : wanted, most) }
    var recipe = recipe
    switch recipe.amount {
    case .count(let count): recipe.amount = .count(min(count, most + 1))
    case .copies(let copies): recipe.amount = .copies(min(copies, most / max(1, rows.count) + 1))
    case .asManyAsGiven: break
    }
    var candidates: MaskedCandidates?
    if let maskedModel, let count = recipe.maskedCandidates {
      let folder = try TokenizedModel(
        maskedModel, head: MaskedWords().head, allowsNonFinite: allowsNonFinite, listener: listener)
      let model = try MaskedWordModel(folder.model, tokenizer: folder.tokenizer, candidateCount: count)
      candidates = { model.candidates(for: $0) }
    }
    var augmenter = try TextAugmenter(rows, recipe: recipe, candidates: candidates)
    defer { listener.progressEnded() }
    let made = augmenter.makeAll { made, wanted in
      listener.progress("Augmenting", done: made, total: wanted)
    }
    if wanted > most, made.count > most { throw tooMany(wanted, most) }
    return made
  }

  /// The rows that are wanted, and whether that is more than a number can say.
  private static func amount(of rows: TaskExamples, _ recipe: AugmentationRecipe) -> (Int, Bool) {
    switch recipe.amount {
    case .count(let count): (count, false)
    case .copies(let copies): copies.multipliedReportingOverflow(by: max(1, rows.count))
    case .asManyAsGiven: (rows.count, false)
    }
  }

  /// The rows that half of the memory holds, as long as those given.
  private static func mostRows(like rows: TaskExamples) -> Int {
    let size = max(1, rows.textBytes / max(1, rows.count))
    // A word is a string of its own, and a row is looked up by its words.
    return max(rows.count, Machine.memoryLimit / 2 / (12 * size + 512))
  }

  private static func tooMany(_ wanted: Int?, _ most: Int) -> TaskError {
    TaskError(
      "found \(wanted.map { "\($0)" } ?? "more than \(Int.max)") new texts to make, but the memory holds about "
        + "\(grouped(most)) of them; ask for fewer with --count or --copies (--augment-count or --augment-copies)"
    )
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
