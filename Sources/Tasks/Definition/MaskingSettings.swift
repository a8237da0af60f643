import TaskData

/// How a masked language model's tokens are hidden; the keys stand in the recipe itself, named as in `run_mlm`.
public struct MaskingSettings: Sendable, Hashable {
  /// The part of the tokens that the model must guess, above 0 and below 1; `mlm_probability`.
  public var probability: Double
  /// Whether all pieces of a word are hidden together; `whole_word_mask`.
  public var wholeWords: Bool
  /// A file of words, one a line, by which Chinese characters are put together to words; `word_list_file`.
  public var wordListFile: String?
  /// Whether each line is a sequence of its own, rather than lines packed end to end; `line_by_line`.
  public var isLineByLine: Bool

  /// BERT's settings.
  public init(
    probability: Double = 0.15, wholeWords: Bool = false, wordListFile: String? = nil,
    isLineByLine: Bool = false
  ) {
    self.probability = probability
    self.wholeWords = wholeWords
    self.wordListFile = wordListFile
    self.isLineByLine = isLineByLine
  }

  var faults: [String] {
    var faults: [String] = []
    if !(probability > 0 && probability < 1) {
      faults.append("mlm_probability is \(probability), expected a number above 0 and below 1")
    }
    if wordListFile != nil && !wholeWords {
      faults.append("word_list_file is given, but whole_word_mask is false, so that nothing reads it")
    }
    return faults
  }
}
