import Foundation

/// Contents of a SentencePiece `.model` file (`ModelProto`): pieces with scores, and how text is normalised before they
/// are found in it.
///
/// Format: https://github.com/google/sentencepiece, `src/sentencepiece_model.proto`. What only training uses is passed over.
package struct SentencePieceModel: Sendable, Equatable {
  /// Algorithm that cuts text into the pieces.
  package enum Algorithm: Int, Sendable {
    /// The most probable sequence of pieces.
    case unigram = 1
    /// Merges of pairs, the best score first.
    case bytePair = 2
  }

  /// Piece of the vocabulary, whose id is its place in the list.
  package struct Piece: Sendable, Equatable {
    /// Role of a piece.
    package enum Kind: Int, Sendable {
      /// Found in texts.
      case normal = 1
      /// Stands for what no piece spells.
      case unknown = 2
      /// Frames sequences; never found in texts.
      case control = 3
      /// Found whole before anything else.
      case userDefined = 4
      /// Takes an id and is never used.
      case unused = 5
      /// Stands for a byte of what no piece spells.
      case byte = 6
    }

    /// The text, with ▁ for a space.
    package var text: String
    /// The logarithm of its probability, or of byte pairs the negated rank.
    package var score: Float
    /// Role of the piece.
    package var kind: Kind

    /// A piece.
    package init(_ text: String, score: Float = 0, kind: Kind = .normal) {
      (self.text, self.score, self.kind) = (text, score, kind)
    }
  }

  /// The pieces in order of id.
  package var pieces: [Piece] = []
  /// How text is cut.
  package var algorithm = Algorithm.unigram
  /// Whether what no piece spells becomes its bytes.
  package var fallsBackToBytes = false
  /// The id of the unknown piece.
  package var unknownID = 0
  /// The id of the piece in front of a sequence; negative for none.
  package var beginID = 1
  /// The id of the piece behind a sequence; negative for none.
  package var endID = 2
  /// The name of the unknown piece.
  package var unknownPiece = "<unk>"
  /// The name of the piece in front of a sequence.
  package var beginPiece = "<s>"
  /// The name of the piece behind a sequence.
  package var endPiece = "</s>"
  /// The compiled table of replacements; empty for none.
  package var replacements: [UInt8] = []
  /// Whether a space is put before a text.
  package var addsDummyPrefix = true
  /// Whether spaces at the ends go and others are made one.
  package var removesExtraSpaces = true
  /// Whether spaces become ▁.
  package var escapesSpaces = true

  /// The largest file, far beyond the 18 MB of a million pieces.
  package static let sizeLimit = 128 << 20
  /// The most pieces, twice as many as any model has.
  package static let pieceLimit = 1 << 21

  /// Reads a file.
  ///
  /// - Throws: `FormatError.cannotRead` or `.sentencePiece`, which names what is wrong.
  package init(contentsOf url: URL) throws(FormatError) {
    try FolderLink.check(url, in: url.deletingLastPathComponent())
    let reader = try FileReader(path: url.path)
    guard reader.count <= Self.sizeLimit else {
      throw .sentencePiece(
        file: url.path, reason: "it has \(reader.count) bytes, expected at most \(Self.sizeLimit)")
    }
    try self.init(try reader.numbers(reader.count, at: 0), file: url.path)
  }

  /// Reads the bytes of a file.
  ///
  /// - Parameter file: The name that errors carry.
  /// - Throws: `FormatError.sentencePiece`.
  package init(_ bytes: [UInt8], file: String) throws(FormatError) {
    do throws(ProtobufFault) {
      var parser = SentencePieceParser(bytes)
      try parser.read(bytes)
      self = try parser.checked()
    } catch {
      throw .sentencePiece(file: file, reason: "byte \(error.place): \(error.reason)")
    }
  }

  fileprivate init() {}
}

/// Parser of a `ModelProto`.
private struct SentencePieceParser {
  private var model = SentencePieceModel()
  private let end: Int
  private let reader: ProtobufReader
  private var hasTrainerSpec = false
  private var hasNormalizerSpec = false

  init(_ bytes: [UInt8]) {
    end = bytes.count
    reader = ProtobufReader(bytes, 0..<bytes.count)
  }

  mutating func read(_ bytes: [UInt8]) throws(ProtobufFault) {
    var fields = reader
    while let field = try fields.next() {
      switch field.number {
      case 1: try readPiece(try field.range(), at: field.place)
      case 2:
        hasTrainerSpec = true
        try readTrainerSpec(try field.range())
      case 3:
        hasNormalizerSpec = true
        try readNormalizerSpec(try field.range(), bytes)
      default: break
      }
    }
  }

  /// The model, once what belongs together is there.
  func checked() throws(ProtobufFault) -> SentencePieceModel {
    guard !model.pieces.isEmpty else {
      throw fault(end, "it holds no pieces, expected a SentencePiece model")
    }
    // Both stand behind the pieces in every file: without them the rest is missing.
    guard hasTrainerSpec else { throw fault(end, "the trainer_spec is missing; the file is cut off") }
    guard hasNormalizerSpec else { throw fault(end, "the normalizer_spec is missing; the file is cut off") }
    guard model.pieces.indices.contains(model.unknownID) else {
      throw fault(
        end,
        "trainer_spec.unk_id is \(model.unknownID), expected the id of one of the \(model.pieces.count) pieces"
      )
    }
    let kind = model.pieces[model.unknownID].kind
    guard kind == .unknown else {
      throw fault(
        end,
        "trainer_spec.unk_id is \(model.unknownID), and piece \(model.unknownID) has the type \(kind.rawValue),"
          + " expected 2 (UNKNOWN)")
    }
    return model
  }

  private mutating func readPiece(_ range: Range<Int>, at place: Int) throws(ProtobufFault) {
    let id = model.pieces.count
    guard id < SentencePieceModel.pieceLimit else {
      throw fault(
        place, "it holds more than \(SentencePieceModel.pieceLimit) pieces, more than any model has")
    }
    var piece = SentencePieceModel.Piece("")
    var fields = reader.message(range)
    while let field = try fields.next() {
      switch field.number {
      case 1: piece.text = try text(field, "pieces[\(id)].piece")
      case 2:
        piece.score = try field.float()
        guard piece.score.isFinite else {
          throw fault(field.place, "pieces[\(id)].score is \(piece.score), expected a finite number")
        }
      case 3:
        let number = try field.int32()
        guard let kind = SentencePieceModel.Piece.Kind(rawValue: number) else {
          throw fault(field.place, "pieces[\(id)].type is \(number), expected 1 to 6")
        }
        piece.kind = kind
      default: break
      }
    }
    guard !piece.text.isEmpty else {
      throw fault(place, "pieces[\(id)].piece is missing or empty, expected the text of a piece")
    }
    model.pieces.append(piece)
  }

  private mutating func readTrainerSpec(_ range: Range<Int>) throws(ProtobufFault) {
    var fields = reader.message(range)
    while let field = try fields.next() {
      switch field.number {
      case 3:
        let number = try field.int32()
        guard let algorithm = SentencePieceModel.Algorithm(rawValue: number) else {
          let name = [3: " (WORD)", 4: " (CHAR)"][number] ?? ""
          throw fault(
            field.place, "trainer_spec.model_type is \(number)\(name), expected 1 (UNIGRAM) or 2 (BPE)")
        }
        model.algorithm = algorithm
      case 35: model.fallsBackToBytes = try field.bool()
      case 40: model.unknownID = try field.int32()
      case 41: model.beginID = try field.int32()
      case 42: model.endID = try field.int32()
      case 45: model.unknownPiece = try text(field, "trainer_spec.unk_piece")
      case 46: model.beginPiece = try text(field, "trainer_spec.bos_piece")
      case 47: model.endPiece = try text(field, "trainer_spec.eos_piece")
      default: break
      }
    }
  }

  private mutating func readNormalizerSpec(
    _ range: Range<Int>, _ bytes: [UInt8]
  ) throws(ProtobufFault) {
    var fields = reader.message(range)
    while let field = try fields.next() {
      switch field.number {
      case 2: model.replacements = Array(bytes[try field.range()])
      case 3: model.addsDummyPrefix = try field.bool()
      case 4: model.removesExtraSpaces = try field.bool()
      case 5: model.escapesSpaces = try field.bool()
      default: break
      }
    }
  }

  private func text(_ field: ProtobufReader.Field, _ name: String) throws(ProtobufFault) -> String {
    guard let text = reader.text(try field.range()) else {
      throw fault(field.place, "\(name) is not UTF-8")
    }
    return text
  }

  private func fault(_ place: Int, _ reason: String) -> ProtobufFault {
    ProtobufFault(place: place, reason: reason)
  }
}
