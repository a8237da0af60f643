import Foundation
import ModelFormats
import TestSupport
import Testing

/// SentencePiece's `.model` files, good and bad; by `Tests/Reference/make_sentencepiece_fixtures.py`.
@Suite struct SentencePieceModelTests {
  private static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: Fixtures.url("tokenization/sentencepiece/\(name).model")))
  }

  private static func model(_ name: String) throws -> SentencePieceModel {
    try SentencePieceModel(contentsOf: Fixtures.url("tokenization/sentencepiece/\(name).model"))
  }

  @Test func whatTrainingWroteIsRead() throws {
    let model = try Self.model("unigram_bytes")
    #expect(model.algorithm == .unigram && model.fallsBackToBytes && model.addsDummyPrefix)
    #expect(model.removesExtraSpaces && model.escapesSpaces && !model.replacements.isEmpty)
    #expect(model.unknownID == 0 && model.beginID == 1 && model.endID == 2)
    #expect(model.pieces[0] == SentencePieceModel.Piece("<unk>", kind: .unknown))
    #expect(model.pieces[1] == SentencePieceModel.Piece("<s>", kind: .control))
    #expect(model.pieces[3] == SentencePieceModel.Piece("<sep>", kind: .userDefined))
    #expect(model.pieces.filter { $0.kind == .byte }.map(\.text).first == "<0x00>")
    #expect(model.pieces.filter { $0.kind == .byte }.count == 256)
    #expect(model.pieces.last?.score ?? 0 < -1)
    let defined = try Self.model("bpe_defined")
    #expect(defined.algorithm == .bytePair && !defined.addsDummyPrefix && !defined.removesExtraSpaces)
    let other = try Self.model("t5")
    #expect(other.unknownID == 2 && other.beginID == -1 && other.endID == 1)
  }

  // MARK: Bad files

  private static func piece(_ text: String, type: Int = 1, score: Float = -1) -> ProtobufMessage {
    var piece = ProtobufMessage()
    piece.add(1, text)
    piece.add(2, score)
    piece.add(3, type)
    return piece
  }

  /// A model of two pieces; `change` may add fields to its trainer_spec.
  private static func file(
    pieces: [ProtobufMessage] = [piece("<unk>", type: 2), piece("a")], spec: Bool = true,
    normalizer: Bool = true,
    change: (inout ProtobufMessage) -> Void = { _ in }
  ) -> [UInt8] {
    var (model, trainer) = (ProtobufMessage(), ProtobufMessage())
    for piece in pieces { model.add(1, piece) }
    trainer.add(3, 1)
    change(&trainer)
    if spec { model.add(2, trainer) }
    if normalizer { model.add(3, ProtobufMessage()) }
    return model.bytes
  }

  private static func fault(_ bytes: [UInt8]) -> String {
    do throws(FormatError) {
      _ = try SentencePieceModel(bytes, file: "x.model")
      return "none"
    } catch { return error.description }
  }

  private static func expect(_ bytes: [UInt8], _ reason: String) {
    let found = fault(bytes)
    #expect(found.hasPrefix("x.model: not a SentencePiece model that can be read: byte "), "\(found)")
    #expect(found.contains(reason), "\(found)")
  }

  @Test func aPlainFileIsTaken() {
    #expect(Self.fault(Self.file()) == "none")
  }

  @Test func damageIsNamed() {
    let whole = Self.file()
    Self.expect([], "holds no pieces")
    Self.expect([0x0A], "a number is cut off")
    Self.expect(Array(whole.dropLast(6)), "the trainer_spec is missing")
    Self.expect(Array(whole.prefix(3)), "field 1 says 14 bytes and 1 are left")
    Self.expect(
      [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01], "the file is cut off or damaged")
    Self.expect([UInt8](repeating: 0xFF, count: 11), "longer than the 10 bytes")
    Self.expect([0x00, 0x00], "the number 0")
    Self.expect([0x0B], "wire type 3")
    Self.expect([0x08, 0x01], "field 1 holds the whole number 1, expected bytes")
    Self.expect([0x0D, 1, 2], "cut off")
  }

  @Test func partsThatAreMissingAreNamed() {
    Self.expect(Self.file(pieces: []), "holds no pieces")
    Self.expect(Self.file(spec: false), "the trainer_spec is missing")
    Self.expect(Self.file(normalizer: false), "the normalizer_spec is missing")
    var noText = ProtobufMessage()
    noText.add(2, Float(1))
    Self.expect(Self.file(pieces: [noText]), "pieces[0].piece is missing")
  }

  @Test func valuesThatCannotBeAreNamed() {
    let unknown = Self.piece("<unk>", type: 2)
    Self.expect(
      Self.file(pieces: [unknown, Self.piece("a", type: 7)]), "pieces[1].type is 7, expected 1 to 6")
    Self.expect(Self.file(pieces: [unknown, Self.piece("a", score: .nan)]), "pieces[1].score is nan")
    Self.expect(Self.file(pieces: [unknown, Self.piece("a", score: -.infinity)]), "pieces[1].score is -inf")
    var invalid = ProtobufMessage()
    invalid.add(1, [0x61, 0xFF])
    Self.expect(Self.file(pieces: [unknown, invalid]), "pieces[1].piece is not UTF-8")
    var number = ProtobufMessage()
    number.add(1, 5)
    Self.expect(Self.file(pieces: [number]), "field 1 holds the whole number 5, expected bytes")
    Self.expect(
      Self.file { $0.add(3, 4) }, "trainer_spec.model_type is 4 (CHAR), expected 1 (UNIGRAM) or 2 (BPE)")
    Self.expect(Self.file { $0.add(3, 3) }, "3 (WORD)")
    Self.expect(
      Self.file { $0.add(40, 2) }, "trainer_spec.unk_id is 2, expected the id of one of the 2 pieces")
    Self.expect(Self.file { $0.add(40, -1) }, "trainer_spec.unk_id is -1")
    Self.expect(Self.file { $0.add(40, 1) }, "has the type 1, expected 2 (UNKNOWN)")
    Self.expect(Self.file { $0.add(40, 1 << 40) }, "a whole number of 32 bits")
    Self.expect(Self.file { $0.add(35, "yes") }, "expected a truth value")
  }

  @Test func filesBeyondAnyModelAreRefusedUnread() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write([], "spiece.model")
    let handle = try FileHandle(forWritingTo: URL(filePath: path))
    try handle.truncate(atOffset: UInt64(SentencePieceModel.sizeLimit) + 1)
    try handle.close()
    #expect {
      try SentencePieceModel(contentsOf: URL(filePath: path))
    } throws: { "\($0)".contains("expected at most \(SentencePieceModel.sizeLimit)") }
    // Five bytes a piece.
    let many: [UInt8] = [0x0A, 0x03, 0x0A, 0x01, 0x61]
    var bytes: [UInt8] = []
    bytes.reserveCapacity(many.count * (SentencePieceModel.pieceLimit + 1))
    for _ in 0...SentencePieceModel.pieceLimit { bytes += many }
    Self.expect(bytes, "more than \(SentencePieceModel.pieceLimit) pieces")
  }

  /// Thousands of damaged files, the same ones in every run: each is refused with an error or wholly readable.
  @Test(arguments: ["unigram", "bpe_defined", "albert"])
  func damagedBytes(_ name: String) throws {
    let original = try Self.bytes(name)
    var state: UInt64 = 7
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }
    var accepted = 0
    for round in 0..<2000 {
      var bytes = original
      if round % 4 == 0 { bytes.removeLast(1 + next(bytes.count - 1)) }
      for _ in 0...next(3) {
        let place = next(bytes.count)
        bytes[place] = next(2) == 0 ? UInt8(next(256)) : [0, 1, 0x7F, 0x80, 0xFE, 0xFF][next(6)]
      }
      do throws(FormatError) {
        let model = try SentencePieceModel(bytes, file: "x.model")
        #expect(model.pieces.count <= bytes.count / 2 && model.replacements.count <= bytes.count)
        #expect(model.pieces.indices.contains(model.unknownID))
        accepted += 1
      } catch {
        #expect(error.description.contains("x.model"))
      }
    }
    // Damage to a score, a text or the replacements goes unnoticed; other damage must not.
    #expect(accepted > 100 && accepted < 1900, "\(accepted)")
  }
}
