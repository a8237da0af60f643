import Datasets
public import Encoders
import Tasks
import Tensors
public import Tokenization

/// Model of the words that could stand in the place of a text's words: TinyBERT's word replacement by a masked language model.
///
/// Each valid word is hidden in turn, and the model reads the text with the gap and, behind it, the text as it is; the words it
/// finds most likely in the gap are the candidates (Jiao and others 2020, *TinyBERT: Distilling BERT for Natural Language
/// Understanding*, algorithm 1). Valid is a word of letters, punctuation around it aside, that is one token of the
/// vocabulary and no function word. A word of several tokens stays as it is, since a gap of several tokens has no list of
/// candidates; TinyBERT takes the neighbours of its GloVe vector. Candidates are words of letters other than the word itself.
public struct MaskedWordModel {
  /// The largest number of candidates of a word.
  public let candidateCount: Int
  private let model: TaskModel
  private let tokenizer: any Tokenizer
  private let mask: Int32
  private let frame: SpecialFrame
  private let maxLength: Int
  /// The word of each token that is one word of letters, nil for the others.
  private let tokenWords: [String?]

  /// Tokens that one run of the model reads at most, unless a single text has more.
  private static let tokensInBatch = 4096

  /// A finder of candidates.
  ///
  /// - Parameters:
  ///   - model: A model with the head of a masked language model.
  ///   - tokenizer: Its tokenizer.
  ///   - candidateCount: The largest number of candidates of a word, TinyBERT's M.
  /// - Throws: `TokenizerError.invalid` when the vocabulary has no mask token.
  public init(
    _ model: TaskModel, tokenizer: any Tokenizer, candidateCount: Int = 15
  ) throws(TokenizerError) {
    precondition(
      model.config.taskFamily.answersWithTokens,
      "Hidden words are the answer of a masked language model, not of \(model.head).")
    precondition(candidateCount >= 1, "A word cannot have \(candidateCount) candidates.")
    guard let mask = tokenizer.maskID else {
      throw .invalid(
        file: "vocabulary", field: "mask_token",
        reason: "the vocabulary has no such token, expected one that hides others, such as \"[MASK]\"")
    }
    self.model = model
    self.tokenizer = tokenizer
    self.candidateCount = candidateCount
    self.mask = mask
    frame = SpecialFrame(of: tokenizer, isPair: true)
    maxLength = min(model.config.maxPositions, tokenizer.modelMaxLength ?? .max)
    let word = Self.wordRule(of: tokenizer)
    let special = Set(tokenizer.addedTokens.map(\.content))
    tokenWords = (0..<Int32(model.config.vocabularySize)).map { id in
      tokenizer.token(id).flatMap { special.contains($0) ? nil : word($0) }
    }
  }

  /// The candidates of each valid word by its position, the likeliest first.
  public func candidates(for words: [String]) -> [Int: [String]] {
    let pieces = words.map { tokenizer.encodeIDs(space + $0, addSpecialTokens: false).ids }
    let ids = Array(pieces.joined().prefix(maxLength - frame.count - 1))
    var gaps: [(word: Int, place: Int)] = []
    var start = 0
    for (index, word) in words.enumerated() {
      if let offset = validPiece(pieces[index], of: word), start + offset < ids.count {
        gaps.append((index, start + offset))
      }
      start += pieces[index].count
    }
    let original = Array(ids.prefix(max(1, maxLength - frame.count - ids.count)))
    var result: [Int: [String]] = [:]
    let perBatch = max(1, Self.tokensInBatch / (frame.count + ids.count + original.count))
    for first in stride(from: 0, to: gaps.count, by: perBatch) {
      let chunk = Array(gaps[first..<min(gaps.count, first + perBatch)])
      for (gap, likely) in zip(chunk, likeliest(chunk.map(\.place), in: ids, original)) {
        let (prefix, core, suffix) = Self.parts(of: words[gap.word])
        result[gap.word] = likely.filter { $0.lowercased() != core.lowercased() }
          .prefix(candidateCount).map { prefix + $0 + suffix }
      }
    }
    return result
  }

  /// The likeliest words for each of some gaps in a text, one more than there may be candidates.
  private func likeliest(_ places: [Int], in ids: [Int32], _ original: [Int32]) -> [[String]] {
    var rows: [Int32] = []
    var sequences: [(ids: [Int32], segments: [Int32])] = []
    for place in places {
      var gapped = ids
      gapped[place] = mask
      let sequence = frame.sequence(gapped, original)
      rows.append(Int32(sequences.count * sequence.ids.count + sequence.start + place))
      sequences.append((sequence.ids, sequence.segments))
    }
    let logits = model(TokenBatch(sequences: sequences), rows: rows, in: .inference).logits
    let (values, width) = (logits.values, logits.shape.lastDimension)
    return places.indices.map { row in
      var best: [(value: Float, id: Int)] = []
      for id in 0..<width where tokenWords[id] != nil {
        let value = values[row * width + id]
        if best.count == candidateCount + 1, value <= best[best.count - 1].value { continue }
        best.insert((value, id), at: best.firstIndex { $0.value < value } ?? best.count)
        if best.count > candidateCount + 1 { best.removeLast() }
      }
      return best.compactMap { tokenWords[$0.id] }
    }
  }

  /// The place among its tokens of the one that a valid word consists of, punctuation aside; nil for others.
  private func validPiece(_ pieces: [Int32], of word: String) -> Int? {
    let core = Self.parts(of: word).core
    guard !core.isEmpty, core.allSatisfy(\.isLetter), !FunctionWords.contains(core) else { return nil }
    let lettered = pieces.indices.filter { index in
      tokenizer.token(pieces[index])?.contains { $0.isLetter } ?? true
    }
    guard lettered.count == 1, tokenWords[Int(pieces[lettered[0]])]?.count == core.count else { return nil }
    return lettered[0]
  }

  /// A word without the punctuation around it, and that punctuation.
  private static func parts(of word: String) -> (prefix: String, core: String, suffix: String) {
    guard let first = word.firstIndex(where: \.isLetter), let last = word.lastIndex(where: \.isLetter) else {
      return (word, "", "")
    }
    let end = word.index(after: last)
    return (String(word[..<first]), String(word[first..<end]), String(word[end...]))
  }

  /// Space in front of a word, which some vocabularies have in its first piece; empty for others.
  private var space: String {
    switch tokenizer.wordSign {
    case .beginning: " "
    case .continuation: ""
    }
  }

  /// The word that a token of a vocabulary is, nil for one that goes on with a word or is more than letters.
  private static func wordRule(of tokenizer: any Tokenizer) -> (String) -> String? {
    switch tokenizer.wordSign {
    case .beginning(let signs, let spellsBytes):
      return { token in
        guard let first = token.unicodeScalars.first, first == signs.first, token.count > 1 else {
          return nil
        }
        let word = token.dropFirst()
        // Letters beyond ASCII may be written as bytes there, of which a word cannot be told.
        return word.allSatisfy { $0.isLetter && ($0.isASCII || !spellsBytes) } ? String(word) : nil
      }
    case .continuation: return { $0.allSatisfy(\.isLetter) && !$0.isEmpty ? $0 : nil }
    }
  }
}
