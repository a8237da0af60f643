import Datasets
import Distillation
import Encoders
import Tensors
import Testing
import Tokenization
import Training

/// Losses that relate tokens to each other, over tokens that adaptors choose.
@Suite struct ChosenRowsTests {
  static let types: [MatchLossType] = [
    .attentionMSE, .attentionMSESum, .attentionCE, .attentionCEMean, .minilm, .minilmv2, .emd,
  ]

  private func distiller(_ type: MatchLossType, rows: [Int32]?) throws -> GeneralDistiller {
    let choose = { (adaptor: @escaping Adaptor) -> Adaptor in
      { batch, output, context in
        var result = try adaptor(batch, output, context)
        result.rows = rows
        return result
      }
    }
    let match = IntermediateMatch(type) ?? IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: type)
    return try GeneralDistiller(
      DistillationConfig(kdLossWeight: 0.2, matches: [.match(match)]),
      teacher: try tinyModel(layers: 3, hidden: 12, heads: 2, seed: 1), student: try tinyModel(seed: 2),
      adaptorT: choose(Adaptors.features), adaptorS: choose(Adaptors.classification))
  }

  private func match(_ type: MatchLossType, rows: [Int32]?, batch: Batch = tinyBatch()) throws -> Float {
    let parts = try distiller(type, rows: rows).loss(batch, progress: 0, in: .inference).parts
    return try #require(parts.last?.value)
  }

  @Test(arguments: types)
  func allRowsAreTheSameAsNoChoice(type: MatchLossType) throws {
    #expect(try abs(match(type, rows: nil) - match(type, rows: Array(0..<11))) < 1e-6)
    #expect(try match(type, rows: []) == 0)
  }

  /// The tokens of one sequence alone are that sequence alone.
  @Test(arguments: types)
  func theRowsOfASequenceAreThatSequence(type: MatchLossType) throws {
    let alone = Batch(
      tokens: TokenBatch(sequences: [([2, 21, 3], [0, 0, 0])]), labels: [-100], indices: [0])
    #expect(
      try abs(match(type, rows: [4, 5, 6]) - match(type, rows: nil, batch: alone)) < 1e-5, "\(type.rawValue)")
    #expect(try match(type, rows: [4, 5, 6]) != match(type, rows: [0, 1, 4, 5, 6]))
  }

  @Test(arguments: types)
  func gradientsAgreeWithCentralDifferences(type: MatchLossType) throws {
    try expectGradientsAgree(
      try distiller(type, rows: [0, 2, 3, 4, 6, 9, 10]), tinyBatch(), isTraining: false)
  }

  @Test(arguments: types)
  func bothSidesChooseTheSameRows(type: MatchLossType) throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(
        kdLossWeight: 0,
        matches: [
          .match(IntermediateMatch(type) ?? IntermediateMatch(teacherLayer: 3, studentLayer: 2, loss: type))
        ]),
      teacher: try tinyModel(layers: 3, hidden: 12, heads: 2, seed: 1), student: try tinyModel(seed: 2),
      adaptorT: nil,
      adaptorS: { batch, output, context in
        var result = Adaptors.classification(batch, output, context)
        result.rows = [0, 1]
        return result
      })
    #expect(throws: DistillationError.self) {
      try distiller.loss(tinyBatch(), progress: 0, in: .inference)
    }
  }
}
