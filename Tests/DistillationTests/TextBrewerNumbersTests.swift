import Distillation
import Encoders
import Foundation
import Tensors
import Testing
import Training

/// Numbers TextBrewer's repository gives for x[i] = sin(0.7 i + φ), some with the mask [[1,1,1,0],[1,1,0,0]].
///
/// Packing the masked rows reproduces each masked value of hidden states, packing all rows each unmasked one. For
/// attention, whose softmax ranges over padding in TextBrewer, all rows are packed and the masked ones chosen.
@Suite struct TextBrewerNumbersTests {
  /// Sequences of these lengths out of 4 positions.
  static let full = [4, 4]
  static let masked = [3, 2]

  private func sines(_ count: Int, _ phase: Double) -> [Float] {
    (0..<count).map { Float(sin(0.7 * Double($0) + phase)) }
  }

  /// The rows of a [2, 4, width] array that belong to the sequences.
  private func packed(_ lengths: [Int], width: Int, _ phase: Double) -> Tensor {
    let all = sines(2 * 4 * width, phase)
    let values = lengths.enumerated().flatMap { b, n in all[b * 4 * width..<(b * 4 + n) * width] }
    return Tensor(values, shape: [lengths.reduce(0, +), width])
  }

  private func starts(_ lengths: [Int]) -> [Int32] {
    lengths.reduce(into: [0]) { $0.append($0[$0.count - 1] + Int32($1)) }
  }

  private func expect(_ found: Tensor, _ expected: Double, sourceLocation: SourceLocation = #_sourceLocation)
  {
    // Float32 arithmetic, values of order 1.
    #expect(abs(Double(found.item) - expected) < 1e-6, sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    (KDLossType.ce, 1.0, 1.1485858706666283), (.ce, 2, 1.1124592454757063), (.ce, 4, 1.1022413955888997),
    (.mse, 1, 0.610825505818235), (.mse, 2, 0.15270637645455876),
  ])
  func kd(type: KDLossType, temperature: Double, expected: Double) {
    let student = Tensor(sines(6, 0.1), shape: [2, 3])
    let teacher = Tensor(sines(6, 1.3), shape: [2, 3])
    let loss = { (isCompensated: Bool) in
      KDLoss(type, isCompensated: isCompensated)(
        student: student, teacher: teacher, temperature: temperature)
    }
    expect(loss(false), expected)
    #expect(abs(Double(loss(true).item) - expected * temperature * temperature) < 2e-5)
  }

  @Test func kdOverChosenRows() {
    let loss = { (lengths: [Int], tau: Double) in
      KDLoss(.ce, isCompensated: false)(
        student: packed(lengths, width: 3, 0.1), teacher: packed(lengths, width: 3, 1.3), temperature: tau)
    }
    expect(loss(Self.full, 8), 1.0990722163285964)
    expect(loss(Self.masked, 8), 1.098517852574901)
    expect(loss(Self.masked, 1), 1.0857451076985165)
  }

  @Test func temperatureSchedules() throws {
    let student = Tensor(sines(6, 0.1), shape: [2, 3])
    let teacher = Tensor(sines(6, 1.3), shape: [2, 3])
    let flsw = try #require(
      TemperatureSchedule.flsw(beta: 1, gamma: 2).temperatures(student: student, teacher: teacher, base: 8))
    #expect(abs(flsw[0] - 8.419982748789849) < 1e-5 && abs(flsw[1] - 7.580017251210151) < 1e-5)
    expect(
      KDLoss(.ce, isCompensated: false)(
        student: student, teacher: teacher, temperatures: flsw), 1.099411931009393)
    let cwsm = try #require(
      TemperatureSchedule.cwsm(beta: 1).temperatures(student: student, teacher: teacher, base: 8))
    #expect(abs(cwsm[0] - 7.845104945975224) < 1e-5 && abs(cwsm[1] - 8.154895054024777) < 1e-5)
  }

  @Test(arguments: [
    (MatchLossType.hiddenMSE, 0.1744514281596482, 0.188820185476327),
    (.cos, 0.19338676704502739, 0.2124240928829309), (.pkd, 0.41671376904303675, 0.41671376904303675),
  ])
  func hidden(type: MatchLossType, unmasked: Double, masked: Double) {
    for (lengths, expected) in [(Self.full, unmasked), (Self.masked, masked)] {
      expect(
        type.loss.ofHiddenStates(
          student: [packed(lengths, width: 3, 0.3)], teacher: [packed(lengths, width: 3, 0.9)],
          starts: starts(lengths), compatibility: .textbrewer), expected)
    }
  }

  @Test(arguments: [
    (MatchLossType.fsp, 0.3, 0.5, 0.9, 1.7, 3, 0.045833335178589875, 0.0697700964225395),
    (.mmd, 0.3, 0.5, 0.9, 1.7, 3, 0.09150434122236227, 0.09770587731592718),
    (.mmd, 0.3, 0.3, 0.9, 0.9, 5, 0.19196632372484385, 0.18508458186193635),
  ])
  func pairsOfLayers(
    type: MatchLossType, s0: Double, s1: Double, t0: Double, t1: Double, teacherWidth: Int, unmasked: Double,
    masked: Double
  ) {
    for (lengths, expected) in [(Self.full, unmasked), (Self.masked, masked)] {
      let student = [s0, s1].map { packed(lengths, width: 3, $0) }
      let teacher = [t0, t1].map { packed(lengths, width: teacherWidth, $0) }
      expect(
        type.loss.ofHiddenStates(student: student, teacher: teacher, starts: starts(lengths)), expected)
    }
  }

  @Test(arguments: [
    (MatchLossType.attentionMSE, 0.1567394768039011, 0.402042139712863),
    (.attentionMSESum, 0.35736078758388246, 1.1907344244763278),
    (.attentionCE, 0.7228236982264136, 0.9016018116246182),
    (.attentionCEMean, 0.6817288846831191, 0.921126882215221),
  ])
  func attention(type: MatchLossType, unmasked: Double, masked: Double) {
    let maps = { (phase: Double) in
      AttentionMaps(
        values: Tensor(sines(2 * 2 * 4 * 4, phase)), heads: 2, queryStarts: starts(Self.full),
        keyStarts: starts(Self.full))
    }
    for (rows, expected) in [([Int32]?.none, unmasked), ([0, 1, 2, 4, 5], masked)] {
      expect(
        type.loss.ofAttention(
          student: maps(0.2), teacher: maps(1.1), rows: rows, compatibility: .textbrewer
        ),
        expected)
    }
  }

  /// The release on PyPI divides the masked `mmd` by the length, its repository by the hidden size as it does without a
  /// mask; Potstill follows the repository, and differs from the release by the ratio of the two.
  @Test(arguments: [
    (3, 0.3, 0.5, 0.9, 1.7, 0.05495955599020904), (5, 0.3, 0.3, 0.9, 0.9, 0.2694011574470598),
  ])
  func mmdOfThePyPIRelease(
    teacherWidth: Int, s0: Double, s1: Double, t0: Double, t1: Double, expected: Double
  ) {
    // With every width replaced by the padded length 4: S₀S₁ᵀ/4 is S₀S₁ᵀ/D of states scaled by √(D/4).
    let side = { (first: Double, second: Double, width: Int) in
      [first, second].map {
        packed(Self.masked, width: width, $0) * (Float(width) / 4).squareRoot()
      }
    }
    expect(
      MatchLossType.mmd.loss.ofHiddenStates(
        student: side(s0, s1, 3), teacher: side(t0, t1, teacherWidth), starts: starts(Self.masked)),
      expected)
  }

  @Test func probabilityShift() throws {
    // What the KD loss of the shifted teacher says about its logits: equal to that of the numbers TextBrewer gives.
    let (student, teacher) = (
      Tensor([0.5, -1, 2, 1, 0, 3], shape: [2, 3]), Tensor([1, 5, 2, 3, 0, 1], shape: [2, 3])
    )
    let shifted = Tensor([1, 2, 5, 3, 0, 1], shape: [2, 3])
    func distiller(_ teacher: Tensor, shift: Bool) throws -> Double {
      var config = DistillationConfig(temperature: 2, compatibility: .textbrewer)
      config.probabilityShift = shift
      let distiller = try GeneralDistiller(
        config, teacher: try tinyModel(layers: 3, seed: 1), student: try tinyModel(seed: 2),
        adaptorT: { _, _, _ in Answers(logits: [teacher]) },
        adaptorS: { _, _, _ in Answers(logits: [student], labels: [[2, 0]]) })
      return Double(try distiller.loss(tinyBatch(), progress: 0, in: .inference).total.item)
    }
    #expect(try abs(distiller(teacher, shift: true) - distiller(shifted, shift: false)) < 1e-6)
    #expect(try abs(distiller(teacher, shift: true) - distiller(teacher, shift: false)) > 0.1)
  }
}
