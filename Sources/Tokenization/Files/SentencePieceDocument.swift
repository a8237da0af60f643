import Foundation
import ModelFormats

/// The `tokenizer.json` that `transformers` 5 makes of a SentencePiece `.model` file.
///
/// Source: `convert_slow_tokenizer.py`, `tokenization_utils_tokenizers.py` and the classes of `SentencePieceClass` in
/// transformers 5.24. Transformers 4 and SentencePiece itself cut some texts otherwise.
struct SentencePieceDocument {
  private let model: SentencePieceModel
  private let kind: SentencePieceClass
  private let configuration: JSONObject
  private let file: String
  /// The special tokens under their keys, in the order in which new ones get ids.
  let named: [(key: String, token: AddedToken)]
  /// The pieces with their scores in order of id.
  private let vocabulary: [(text: String, score: Double)]
  /// The same, to look ids up.
  private let tokens: Vocabulary

  /// - Parameters:
  ///   - model: What the file holds.
  ///   - kind: The class that reads it.
  ///   - configuration: The members of `tokenizer_config.json` with those that name special tokens.
  ///   - file: The file, for errors.
  init(
    _ model: SentencePieceModel, _ kind: SentencePieceClass, _ configuration: JSONObject, file: String
  ) throws(TokenizerError) {
    (self.model, self.kind, self.configuration, self.file) = (model, kind, configuration, file)
    if kind != .plain, model.algorithm != .unigram {
      throw .unsupported(
        file: file, component: "trainer_spec.model_type", type: "BPE",
        supported: "UNIGRAM for \(kind.rawValue)")
    }
    let defaults = kind.specialTokens(of: model)
    var named: [(key: String, token: AddedToken)] = []
    for key in ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"] {
      if let value = configuration[key], !value.isNull {
        if let content = value.stringValue {
          named.append((key, AddedToken(content, special: true)))
        } else {
          var token = try AddedToken(value, file: file, field: key)
          token.special = true
          named.append((key, token))
        }
      } else if let content = defaults[key] {
        let stripsLeft = kind == .camembert && key == "mask_token"
        named.append((key, AddedToken(content, special: true, stripsLeft: stripsLeft)))
      }
    }
    self.named = named
    vocabulary = Self.vocabulary(model, kind, named, configuration)
    tokens = Vocabulary(vocabulary.map(\.text))
  }

  /// The pieces of a Unigram model with their scores, nil for another one.
  var pieces: JSONColumns? {
    guard model.algorithm == .unigram else { return nil }
    var columns = JSONColumns()
    columns.strings = vocabulary.map(\.text)
    columns.numbers = vocabulary.map(\.score)
    return columns
  }

  /// The document, that of a Unigram model without its pieces; its normaliser, pre-tokenizer and decoder are described as the class makes them.
  func document() throws(TokenizerError) -> JSONValue {
    [
      "version": "1.0", "truncation": nil, "padding": nil, "added_tokens": addedTokens,
      "normalizer": normalizer, "pre_tokenizer": preTokenizer, "post_processor": try postProcessor(),
      "decoder": decoder, "model": try modelMember(),
    ]
  }

  // MARK: Tokens

  private static func vocabulary(
    _ model: SentencePieceModel, _ kind: SentencePieceClass, _ named: [(key: String, token: AddedToken)],
    _ configuration: JSONObject
  ) -> [(text: String, score: Double)] {
    func name(_ key: String) -> String { named.first { $0.key == key }?.token.content ?? "" }
    let pieces = model.pieces.map { (text: $0.text, score: Double($0.score)) }
    switch kind {
    case .plain, .albert: return pieces
    case .t5:
      let extra = max(0, configuration["extra_ids"]?.intValue ?? 100)
      return pieces + (0..<min(extra, 10_000)).reversed().map { ("<extra_id_\($0)>", 0) }
    case .xlmRoberta:
      // fairseq numbers these four by itself, and the pieces behind SentencePiece's own three from 4 on.
      let first = ["bos_token", "pad_token", "eos_token", "unk_token"].map { (text: name($0), score: 0.0) }
      return first + pieces.dropFirst(3) + [(name("mask_token"), 0)]
    case .camembert:
      let first = [
        (text: "<s>NOTUSED", score: 0.0), (name("pad_token"), 0), ("</s>NOTUSED", 0), (name("unk_token"), 0),
        ("<unk>NOTUSED", -100),
      ]
      return first + pieces.dropFirst(1) + [(name("mask_token"), 0)]
    }
  }

  private var unknownID: Int {
    switch kind {
    case .plain: model.unknownID
    case .albert: 1
    case .t5: 2
    case .xlmRoberta, .camembert: 3
    }
  }

  /// The tokens that are found in raw text: those with a name, then those that the configuration lists or else the control
  /// pieces and, but for the plain class, those that the user of SentencePiece defined.
  private var addedTokens: JSONValue {
    var added: [(id: Int, token: AddedToken)] = []
    var known: Set<[UInt8]> = []
    var next = vocabulary.count
    func add(_ token: AddedToken) {
      guard known.insert(Array(token.content.utf8)).inserted else { return }
      let id = tokens.id(of: token.content).map(Int.init) ?? next
      if id == next { next += 1 }
      added.append((id, token))
    }
    for (_, token) in named { add(token) }
    let others = ["extra_special_tokens", "additional_special_tokens"].flatMap {
      configuration[$0]?.arrayValue ?? configuration[$0]?.objectValue?.values ?? []
    }
    for content in others.compactMap({ $0.stringValue ?? $0["content"]?.stringValue }) {
      add(AddedToken(content, special: true))
    }
    if others.isEmpty {
      for piece in model.pieces where piece.kind == .control || piece.kind == .userDefined && kind != .plain {
        add(AddedToken(piece.text, special: piece.kind == .control, normalized: false))
      }
      if kind == .t5 {
        for piece in vocabulary.dropFirst(model.pieces.count) { add(AddedToken(piece.text, special: true)) }
      }
    }
    return .array(
      added.sorted { $0.id < $1.id }.map { id, token in
        var object = JSONObject()
        object["id"] = .integer(id)
        for (key, value) in token.json { object[key] = value }
        return .object(object)
      })
  }

  // MARK: Components

  private var replacements: [JSONValue] {
    if model.replacements.isEmpty { return [] }
    let text = Data(model.replacements).base64EncodedString()
    return [["type": "Precompiled", "precompiled_charsmap": .string(text)]]
  }

  private func replace(_ pattern: JSONValue, _ content: String) -> JSONValue {
    ["type": "Replace", "pattern": pattern, "content": .string(content)]
  }

  private func flag(_ key: String, _ other: Bool) -> Bool { configuration[key]?.boolValue ?? other }

  private var normalizer: JSONValue {
    var steps: [JSONValue] = []
    switch kind {
    case .xlmRoberta, .camembert, .t5: return replacements.first ?? .null
    case .albert:
      steps = [replace(["String": "``"], "\""), replace(["String": "''"], "\"")]
      if !flag("keep_accents", false) { steps += [["type": "NFKD"], ["type": "StripAccents"]] }
      if flag("do_lower_case", true) { steps.append(["type": "Lowercase"]) }
      steps += replacements
    case .plain:
      steps = replacements
      if model.removesExtraSpaces {
        steps += [replace(["Regex": "\\A +| +\\z"], ""), replace(["Regex": " {2,}"], " ")]
      }
      if model.escapesSpaces { steps.append(replace(["String": " "], "▁")) }
      if model.addsDummyPrefix, flag("legacy", true) { steps.append(replace(["Regex": "\\A▁"], "▁▁")) }
    }
    return ["type": "Sequence", "normalizers": .array(steps)]
  }

  private func metaspace(_ scheme: String, splits: Bool) -> JSONValue {
    ["type": "Metaspace", "replacement": "▁", "prepend_scheme": .string(scheme), "split": .bool(splits)]
  }

  /// The `prepend_scheme` of the classes that split at white space.
  private var prependScheme: String { kind == .t5 || flag("add_prefix_space", true) ? "always" : "never" }

  private var preTokenizer: JSONValue {
    var steps: [JSONValue] = []
    if kind == .plain {
      if model.addsDummyPrefix {
        steps.append(metaspace(flag("legacy", true) ? "always" : "first", splits: false))
      }
      let pieces = model.pieces.filter { $0.kind == .userDefined }.map(\.text)
      if !pieces.isEmpty {
        // The longest first, equal ones in order of id.
        let order = pieces.enumerated().sorted {
          ($1.element.unicodeScalars.count, $0.offset) < ($0.element.unicodeScalars.count, $1.offset)
        }
        let pattern = order.map { Self.escaped($0.element) }.joined(separator: "|")
        steps.append(
          ["type": "Split", "pattern": ["Regex": .string(pattern)], "behavior": "Isolated", "invert": false])
      }
      if steps.isEmpty { return .null }
    } else {
      steps = [["type": "WhitespaceSplit"], metaspace(prependScheme, splits: true)]
    }
    return ["type": "Sequence", "pretokenizers": .array(steps)]
  }

  /// A text as a regular expression that finds it, escaped as Python's `re.escape` does.
  private static func escaped(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if "()[]{}?*+-|^$\\.&~# \t\n\r\u{0B}\u{0C}".unicodeScalars.contains(scalar) { result.append("\\") }
      result.append(scalar)
    }
    return String(result)
  }

  private var decoder: JSONValue {
    guard kind == .plain else { return metaspace(prependScheme, splits: true) }
    var steps: [JSONValue] = [replace(["String": "▁"], " ")]
    if model.fallsBackToBytes { steps.append(["type": "ByteFallback"]) }
    if model.addsDummyPrefix {
      steps += [["type": "Fuse"], ["type": "Strip", "content": " ", "start": 1, "stop": 0]]
    } else if model.fallsBackToBytes {
      steps.append(["type": "Fuse"])
    }
    return ["type": "Sequence", "decoders": .array(steps)]
  }

  private func postProcessor() throws(TokenizerError) -> JSONValue {
    func token(_ key: String, _ name: String? = nil) throws(TokenizerError) -> SequenceTemplate.Token {
      guard let content = named.first(where: { $0.key == key })?.token.content,
        let id = tokens.id(of: content)
      else {
        throw .invalid(
          file: file, field: key,
          reason: "the file has no such piece, which \(kind.rawValue) puts around texts")
      }
      return SequenceTemplate.Token(id: id, text: name ?? content)
    }
    switch kind {
    case .xlmRoberta, .camembert:
      return SequenceTemplate.roberta(
        classification: try token("bos_token"), separator: try token("eos_token")
      ).json
    case .albert:
      return SequenceTemplate(
        classification: try token("cls_token", "[CLS]"), separator: try token("sep_token", "[SEP]")
      ).json
    case .t5:
      let end = try token("eos_token", "</s>")
      return SequenceTemplate(
        single: [.text(0, segment: 0), .special(end.text, segment: 0)],
        pair: [
          .text(0, segment: 0), .special(end.text, segment: 0), .text(1, segment: 0),
          .special(end.text, segment: 0),
        ], specials: [end.text: [end]]
      ).json
    case .plain:
      let first = flag("add_bos_token", false) ? try token("bos_token") : nil
      let last = flag("add_eos_token", false) ? try token("eos_token") : nil
      func around(_ text: Int) -> [SequenceTemplate.Piece] {
        let segment = Int32(text)
        return [
          first.map { .special($0.text, segment: segment) }, .text(text, segment: segment),
          last.map { .special($0.text, segment: segment) },
        ].compactMap(\.self)
      }
      var specials: [String: [SequenceTemplate.Token]] = [:]
      for token in [first, last].compactMap(\.self) { specials[token.text] = [token] }
      return SequenceTemplate(single: around(0), pair: around(0) + around(1), specials: specials).json
    }
  }

  // MARK: The model

  private func modelMember() throws(TokenizerError) -> JSONValue {
    guard vocabulary.indices.contains(unknownID) else {
      throw .invalid(
        file: file, field: "pieces",
        reason:
          "found \(vocabulary.count) pieces; \(kind.rawValue) takes piece \(unknownID) for the unknown one")
    }
    switch model.algorithm {
    case .unigram:
      return [
        "type": "Unigram", "unk_id": .integer(unknownID),
        // The pieces come in columns.
        "vocab": nil,
        "byte_fallback": .bool(kind == .plain && model.fallsBackToBytes),
      ]
    case .bytePair:
      var tokens = JSONObject()
      for (id, piece) in vocabulary.enumerated() { tokens[piece.text] = .integer(id) }
      return [
        "type": "BPE", "dropout": nil, "unk_token": .string(model.unknownPiece),
        "continuing_subword_prefix": nil, "end_of_word_suffix": nil, "fuse_unk": true,
        "byte_fallback": .bool(model.fallsBackToBytes),
        "ignore_merges": .bool(model.pieces.contains { $0.kind == .userDefined }),
        "vocab": .object(tokens), "merges": .array(merges.map { [.string($0.left), .string($0.right)] }),
      ]
    }
  }

  /// The merges that make each normal piece of two others, those of the best score first, then in order of ids and parts.
  private var merges: [(left: String, right: String)] {
    var normal: [[UInt8]: Int] = [:]
    for (id, piece) in model.pieces.enumerated() where piece.kind == .normal {
      normal[Array(piece.text.utf8)] = id
    }
    var found: [(id: Int, left: [UInt8], right: [UInt8])] = []
    for (text, id) in normal {
      for place in text.indices.dropFirst() where text[place] & 0xC0 != 0x80 {
        let (left, right) = (Array(text[..<place]), Array(text[place...]))
        if normal[left] != nil, normal[right] != nil { found.append((id, left, right)) }
      }
    }
    found.sort { a, b in
      let (scoreA, scoreB) = (model.pieces[a.id].score, model.pieces[b.id].score)
      if scoreA != scoreB { return scoreA > scoreB }
      return a.id != b.id ? a.id < b.id : a.left.lexicographicallyPrecedes(b.left)
    }
    return found.map { (String(decoding: $0.left, as: UTF8.self), String(decoding: $0.right, as: UTF8.self)) }
  }
}
