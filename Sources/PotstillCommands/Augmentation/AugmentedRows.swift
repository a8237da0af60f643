import Distillation
import Encoders
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
    var candidates: MaskedCandidates?
    if let maskedModel, let count = recipe.maskedCandidates {
      let folder = try ModelFolder(maskedModel, head: .maskedLanguageModel, console: console)
      let model = try MaskedWordModel(folder.model, tokenizer: folder.tokenizer, candidateCount: count)
      candidates = { model.candidates(for: $0) }
    }
    var augmenter = try TextAugmenter(rows, recipe: recipe, candidates: candidates)
    let progress = ProgressDisplay(console)
    defer { progress.finishLine() }
    return augmenter.makeAll { made, wanted in
      if candidates != nil { progress.show("Augmenting", done: made, total: wanted) }
    }
  }
}
