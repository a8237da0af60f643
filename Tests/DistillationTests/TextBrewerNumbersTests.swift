import Distillation
import Foundation
import Tensors
import Testing

/// Numbers TextBrewer's repository gives for x[i] = sin(0.7 i + φ), some with the mask [[1,1,1,0],[1,1,0,0]].
///
/// Packing the masked rows reproduces each masked value, packing all rows each unmasked one. Not reproduced: the
/// unmasked attention losses, which wipe negative scores out, and the masked attention cross-entropies, whose softmax
/// ranges over padding.
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
        student: student, teacher: teacher, temperature: temperature, in: .inference)
    }
    expect(loss(false), expected)
    #expect(abs(Double(loss(true).item) - expected * temperature * temperature) < 2e-5)
  }

  @Test func kdOverChosenRows() {
    let loss = { (lengths: [Int], tau: Double) in
      KDLoss(.ce, isCompensated: false)(
        student: packed(lengths, width: 3, 0.1), teacher: packed(lengths, width: 3, 1.3), temperature: tau,
        in: .inference)
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
        student: student, teacher: teacher, temperatures: flsw, in: .inference), 1.099411931009393)
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
        HiddenMatchLoss.compute(
          type, student: [packed(lengths, width: 3, 0.3)], teacher: [packed(lengths, width: 3, 0.9)],
          starts: starts(lengths), in: .inference), expected)
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
        HiddenMatchLoss.compute(
          type, student: student, teacher: teacher, starts: starts(lengths), in: .inference), expected)
    }
  }

  @Test(arguments: [
    (MatchLossType.attentionMSE, 0.402042139712863), (.attentionMSESum, 1.1907344244763278),
  ])
  func attention(type: MatchLossType, masked: Double) {
    let maps = { (phase: Double) in
      let all = sines(2 * 2 * 4 * 4, phase)
      var values: [Float] = []
      for (b, n) in Self.masked.enumerated() {
        for head in 0..<2 {
          for query in 0..<n {
            let row = ((b * 2 + head) * 4 + query) * 4
            values += all[row..<row + n]
          }
        }
      }
      return AttentionMaps(
        values: Tensor(values), heads: 2, queryStarts: starts(Self.masked), keyStarts: starts(Self.masked))
    }
    expect(
      AttentionMatchLoss.compute(type, student: maps(0.2), teacher: maps(1.1), in: .inference), masked)
  }
}
