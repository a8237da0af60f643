import Distillation
import Tensors
import TestSupport
import Testing

/// Every loss against the value and gradient that TextBrewer computes (`Tests/Reference/make_distillation_fixtures.py`).
@Suite struct LossGoldenTests {
  static let kd = ["ce", "mse"].flatMap { type in
    ["1", "2", "4", "8", "flsw", "cwsm"].map { "kd_\(type)_\($0)" }
  }
  static let hidden = ["hidden_mse", "cos", "pkd", "fsp", "mmd", "nst"]
  static let attention = ["attention_mse", "attention_mse_sum", "attention_ce", "attention_ce_mean"]

  @Test(arguments: kd, [true, false])
  func kdLossMatchesTextBrewer(name: String, isCompensated: Bool) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let teacher = try golden.tensor("teacher")
    let tau = Double(try golden.tensor("temperature").item)
    let type = try #require(KDLossType(rawValue: String(name.split(separator: "_")[1])))
    let kd = KDLoss(type, isCompensated: isCompensated)
    let context = Context(tape: Tape())
    var factor = Float(tau * tau)
    let loss: Tensor
    if golden.has("temperatures") {
      let schedule: TemperatureSchedule =
        name.hasSuffix("flsw") ? .flsw(beta: 1, gamma: 2) : .cwsm(beta: 1)
      let rows = try #require(schedule.temperatures(student: student.tensor, teacher: teacher, base: tau))
      expectClose(Tensor(rows), try golden.tensor("temperatures"), name)
      // The factor is each row's own; TextBrewer has none to compare with.
      guard !isCompensated else { return }
      loss = kd(student: student.tensor, teacher: teacher, temperatures: rows, in: context)
      factor = 1
    } else {
      loss = kd(student: student.tensor, teacher: teacher, temperature: tau, in: context)
    }
    if !isCompensated { factor = 1 }
    context.tape?.backward(from: loss)
    expectClose(loss, scale(try golden.tensor("output"), by: factor, in: .inference), name)
    let gradient = try #require(student.gradient)
    expectClose(gradient, scale(try golden.tensor("grad_student"), by: factor, in: .inference), name)
  }

  @Test(
    arguments: ["positions_ce_1", "positions_ce_8", "labels_ce_1", "labels_ce_2"], [true, false])
  func otherKindsOfLogitsMatchTextBrewer(name: String, isCompensated: Bool) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let tau = try golden.tensor("temperature").item
    let kind: LogitsKind =
      golden.has("starts") ? .positions(starts: try golden.integers("starts")) : .independentLabels
    let context = Context(tape: Tape())
    let loss = KDLoss(.ce, isCompensated: isCompensated)(
      student: student.tensor, teacher: try golden.tensor("teacher"), kind: kind, temperature: Double(tau),
      in: context)
    let factor = isCompensated ? tau * tau : 1
    context.tape?.backward(from: loss)
    expectClose(loss, scale(try golden.tensor("output"), by: factor, in: .inference), name)
    let gradient = try #require(student.gradient)
    expectClose(gradient, scale(try golden.tensor("grad_student"), by: factor, in: .inference), name)
  }

  @Test(arguments: [KDLossType.ce, .mse])
  func numbersAreComparedByTheirSquares(type: KDLossType) {
    let (student, teacher) = (Tensor([1, 2, 0.5], shape: [3, 1]), Tensor([0, 2, 1], shape: [3, 1]))
    func loss(_ isCompensated: Bool) -> Float {
      KDLoss(type, isCompensated: isCompensated)(
        student: student, teacher: teacher, kind: .values, temperature: 4, in: .inference
      ).item
    }
    #expect(abs(loss(true) - 1.25 / 3) < 1e-6)
    #expect(abs(loss(false) - 1.25 / 48) < 1e-6)
  }

  @Test(arguments: ["ce", "mse"])
  func oneTemperaturePerRowAgreesWithOneForAll(type: String) throws {
    let golden = try Golden("losses/kd_\(type)_4.safetensors")
    let kd = KDLoss(try #require(KDLossType(rawValue: type)))
    let (student, teacher) = (try golden.tensor("student"), try golden.tensor("teacher"))
    let one = kd(student: student, teacher: teacher, temperature: 4, in: .inference)
    let each = kd(student: student, teacher: teacher, temperatures: [4, 4, 4, 4, 4], in: .inference)
    expectClose(each, one, type)
  }

  @Test(arguments: hidden)
  func hiddenLossMatchesTextBrewer(name: String) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let keys = golden.has("student1") ? ["", "1"] : [""]
    let students = try keys.map { Parameter(name: $0, value: try golden.tensor("student" + $0)) }
    let teachers = try keys.map { try golden.tensor("teacher" + $0) }
    let context = Context(tape: Tape())
    let loss = HiddenMatchLoss.compute(
      try #require(MatchLossType(rawValue: name)), student: students.map(\.tensor), teacher: teachers,
      starts: try golden.integers("starts"), in: context)
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), name)
    for (key, student) in zip(keys, students) {
      expectClose(try #require(student.gradient), try golden.tensor("grad_student" + key), name)
    }
  }

  @Test(arguments: attention)
  func attentionLossMatchesTextBrewer(name: String) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let (heads, starts) = (try golden.integers("heads"), try golden.integers("starts"))
    let maps = { (values: Tensor, heads: Int32) in
      AttentionMaps(values: values, heads: Int(heads), queryStarts: starts, keyStarts: starts)
    }
    let context = Context(tape: Tape())
    let loss = AttentionMatchLoss.compute(
      try #require(MatchLossType(rawValue: name)), student: maps(student.tensor, heads[0]),
      teacher: maps(try golden.tensor("teacher"), heads[1]), in: context)
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), name)
    expectClose(try #require(student.gradient), try golden.tensor("grad_student"), name)
  }
}
