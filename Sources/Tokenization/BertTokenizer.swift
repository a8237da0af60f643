import ModelFormats

/// BERT's tokenizer, equal to that of Hugging Face `tokenizers` in ids and offsets.
///
/// Text is cleaned, split at white space, punctuation and Chinese characters, and each word is cut into the longest
/// pieces the vocabulary has, in one pass over the UTF-8 and in time linear in its length.
public final class BertTokenizer: Sendable {
  /// The tokens of the model, without the added tokens that lie behind it.
  public let vocabulary: Vocabulary
  /// How text is cleaned and cut.
  public let options: BertTokenizerOptions
  /// The id of the token for words that the vocabulary cannot spell.
  public let unkID: Int32
  /// The id of the padding token, nil when the vocabulary has none.
  public let padID: Int32?
  /// The id of the token in front of every sequence, nil when the vocabulary has none.
  public let clsID: Int32?
  /// The id of the token behind every sequence, nil when the vocabulary has none.
  public let sepID: Int32?
  /// The id of the token that hides a word, nil when the vocabulary has none.
  public let maskID: Int32?
  /// Tokens that are found in the raw text, special ones among them, in order of id.
  public var addedTokens: [AddedToken] { added.tokens.map(\.token) }
  /// The longest sequence the model was made for, nil when the files name no limit.
  public var modelMaxLength: Int? { options.modelMaxLength }
  /// One more than the largest id: the number of rows an embedding table needs.
  public var idLimit: Int { max(vocabulary.idLimit, added.tokens.last.map { Int($0.id) + 1 } ?? 0) }

  let added: AddedTokens
  let cutter: WordCutter
  let template: SequenceTemplate
  let layouts: SequenceLayouts
  /// The members of `tokenizer_config.json` as they were read, for writing it back.
  let configuration: JSONObject

  /// A tokenizer over a vocabulary, with BERT's special tokens as far as the vocabulary has them.
  ///
  /// The vocabulary must have the unknown token and the two that frame a sequence.
  public convenience init(vocabulary: Vocabulary, options: BertTokenizerOptions = BertTokenizerOptions()) {
    do {
      try self.init(vocabulary: vocabulary, options: options, file: "vocabulary")
    } catch {
      preconditionFailure("The vocabulary does not suit the options: \(error).")
    }
  }

  /// A tokenizer over a vocabulary that finds the given tokens in the raw text.
  ///
  /// - Throws: `TokenizerError.invalid` when the vocabulary lacks a token that the options name.
  public convenience init(
    vocabulary: Vocabulary, options: BertTokenizerOptions, addedTokens: [AddedToken]
  ) throws(TokenizerError) {
    try self.init(
      vocabulary: vocabulary, options: options, addedTokens: addedTokens, template: nil, file: "vocabulary")
  }

  /// - Parameters:
  ///   - addedTokens: tokens to find in the raw text; nil for the special tokens that the vocabulary has.
  ///   - template: nil for BERT's.
  ///   - file: the name that errors carry.
  init(
    vocabulary: Vocabulary, options: BertTokenizerOptions, addedTokens: [AddedToken]? = nil,
    template: SequenceTemplate? = nil, configuration: JSONObject = JSONObject(), file: String
  ) throws(TokenizerError) {
    guard let unknown = vocabulary.id(of: options.unknownToken) else {
      throw .invalid(
        file: file, field: "unk_token",
        reason:
          "the vocabulary has no \"\(options.unknownToken)\"; add it or name the token it uses for unknown words"
      )
    }
    let names = options.specialTokens
    self.vocabulary = vocabulary
    self.options = options
    self.configuration = configuration
    unkID = unknown
    cutter = WordCutter(vocabulary, options, unknownID: unknown)
    let defaults = [options.unknownToken, names.separator, names.padding, names.classification, names.mask]
      .filter { vocabulary.id(of: $0) != nil }.map { AddedToken($0, special: true) }
    let added = AddedTokens(
      addedTokens ?? defaults, vocabulary: vocabulary, normalizer: cutter.normalizer)
    self.added = added
    func id(_ name: String) -> Int32? { added.id(of: name) ?? vocabulary.id(of: name) }
    let (clsID, sepID) = (id(names.classification), id(names.separator))
    (self.clsID, self.sepID) = (clsID, sepID)
    padID = id(names.padding)
    maskID = id(names.mask)
    if let template {
      self.template = template
    } else {
      guard let clsID, let sepID else {
        let missing = clsID == nil ? names.classification : names.separator
        throw .invalid(
          file: file, field: "special tokens",
          reason:
            "the vocabulary has no \"\(missing)\", which frames every sequence; add it or name the token it uses"
        )
      }
      self.template = SequenceTemplate(
        classification: SequenceTemplate.Token(id: clsID, text: names.classification),
        separator: SequenceTemplate.Token(id: sepID, text: names.separator))
    }
    layouts = SequenceLayouts(self.template)
  }

  /// The id of a token of the vocabulary or an added one, nil when there is none.
  public func id(of token: String) -> Int32? { added.id(of: token) ?? vocabulary.id(of: token) }

  /// The token with an id, nil when there is none.
  public func token(_ id: Int32) -> String? { added.content(of: id) ?? vocabulary.token(id) }

  /// How many special tokens come on top of one text, or of a pair.
  public func addedTokenCount(isPair: Bool = false) -> Int {
    layouts[isPair: isPair, addSpecialTokens: true].specialCount
  }

  /// Cuts one text, without special tokens around it.
  func cut(_ text: String) -> TokenBuffer {
    var buffer = TokenBuffer(bytes: text.utf8.count)
    cut(text, into: &buffer)
    return buffer
  }

  /// Cuts one text and appends its tokens.
  func cut(_ text: String, into buffer: inout TokenBuffer) {
    var text = text
    text.makeContiguousUTF8()
    added.cut(text.utf8.span, with: cutter, into: &buffer)
  }
}
