import Distillation
import Tasks
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
      let rows = try #require(
        schedule.temperatures(student: student.detached, teacher: teacher, base: tau))
      expectClose(Tensor(rows), try golden.tensor("temperatures"), name)
      // The factor is each row's own; TextBrewer has none to compare with.
      guard !isCompensated else { return }
      loss = kd(student: student.tensor(in: context), teacher: teacher, temperatures: rows)
      factor = 1
    } else {
      loss = kd(student: student.tensor(in: context), teacher: teacher, temperature: tau)
    }
    if !isCompensated { factor = 1 }
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output") * factor, name)
    let gradient = try #require(student.gradient)
    expectClose(gradient, try golden.tensor("grad_student") * factor, name)
  }

  @Test(arguments: ["positions_ce_1", "positions_ce_8", "labels_ce_1", "labels_ce_2"], [true, false])
  func otherKindsOfLogitsMatchTextBrewer(name: String, isCompensated: Bool) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let tau = try golden.tensor("temperature").item
    let kind: LogitsKind =
      golden.has("starts") ? .positions(starts: try golden.integers("starts")) : .independentLabels
    let context = Context(tape: Tape())
    let loss = KDLoss(.ce, isCompensated: isCompensated)(
      student: student.tensor(in: context), teacher: try golden.tensor("teacher"), kind: kind,
      temperature: Double(tau))
    let factor = isCompensated ? tau * tau : 1
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output") * factor, name)
    let gradient = try #require(student.gradient)
    expectClose(gradient, try golden.tensor("grad_student") * factor, name)
  }

  static let later = ["reverse_kl", "jsd", "dkd", "dist", "standardized_ce"].flatMap { name in
    ["1", "4"].map { "later_\(name)_\($0)" }
  }

  /// What came after TextBrewer, against PyTorch (`Tests/Reference/make_kd_fixtures.py`).
  @Test(arguments: later + ["later_positions_reverse_kl_2", "later_positions_jsd_2"])
  func laterLossMatchesPyTorch(name: String) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let type = KDLossType.allCases.first { name.contains("_\($0.rawValue)_") && $0 != .ce }
    let kd = KDLoss(type ?? .ce, standardizesLogits: name.contains("standardized"))
    let kind: LogitsKind = golden.has("starts") ? .positions(starts: try golden.integers("starts")) : .classes
    let labels = golden.has("labels") ? try golden.integers("labels") : nil
    let tau = try golden.tensor("temperature").item
    let context = Context(tape: Tape())
    let loss = kd(
      student: student.tensor(in: context), teacher: try golden.tensor("teacher"), kind: kind,
      temperature: Double(tau),
      labels: labels)
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), name)
    expectClose(try #require(student.gradient), try golden.tensor("grad_student"), name)
    guard kind == .classes, type != .dist else { return }
    let each = kd(
      student: student.tensor(in: context), teacher: try golden.tensor("teacher"),
      temperatures: [Float](repeating: tau, count: student.shape.rowCount),
      labels: labels)
    expectClose(each, loss, name)
  }

  @Test(arguments: [
    (KDLossType.jsd, KDLossOptions(beta: 0.2)), (.dkd, KDLossOptions(alpha: 0.5, beta: 2)),
    (.dist, KDLossOptions(beta: 2, gamma: 0.5)),
  ])
  func optionsWeighThePartsOfALoss(type: KDLossType, options: KDLossOptions) throws {
    let golden = try Golden("losses/later_options_\(type.rawValue).safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let context = Context(tape: Tape())
    let loss = KDLoss(type, options: options)(
      student: student.tensor(in: context), teacher: try golden.tensor("teacher"), temperature: 2,
      labels: try golden.integers("labels"))
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), type.rawValue)
    expectClose(try #require(student.gradient), try golden.tensor("grad_student"), type.rawValue)
  }

  /// Every loss of a copy is the least it can be, and its gradient is 0, whatever the numbers.
  @Test(arguments: [KDLossType.reverseKL, .jsd, .dkd, .dist], [Float(1), 80])
  func aCopyHasNothingToLearn(type: KDLossType, size: Float) throws {
    let values = (0..<15).map { Float(($0 * 7) % 11) / 11 * size }
    let student = Parameter(name: "", value: Tensor(values, shape: [3, 5]))
    let context = Context(tape: Tape())
    let loss = KDLoss(type)(
      student: student.tensor(in: context), teacher: Tensor(values, shape: [3, 5]), temperature: 1,
      labels: [0, -1, 2])
    context.tape?.backward(from: loss)
    // Where probabilities vanish in every row, a class has nothing to correlate.
    if type != .dist || size == 1 { #expect(abs(loss.item) < 1e-5, "\(loss.item)") }
    #expect(try #require(student.gradient).values.allSatisfy { abs($0) < 1e-5 })
  }

  /// Rows of one class, of equal logits, and a batch of one row give numbers.
  @Test(arguments: KDLossType.allCases, [true, false])
  func nothingIsDividedByZero(type: KDLossType, standardizes: Bool) throws {
    for (shape, values) in [([1, 3], [0, 0, 0]), ([2, 2], [200, -200, 5, 5]), ([1, 2], [1, 2])]
      as [(Shape, [Float])]
    {
      let student = Parameter(name: "", value: Tensor(values, shape: shape))
      let context = Context(tape: Tape())
      let loss = KDLoss(type, standardizesLogits: standardizes)(
        student: student.tensor(in: context), teacher: Tensor(values.reversed(), shape: shape),
        temperature: 2
      )
      context.tape?.backward(from: loss)
      #expect(loss.item.isFinite)
      #expect(try #require(student.gradient).values.allSatisfy(\.isFinite))
    }
  }

  @Test(arguments: [KDLossType.ce, .mse])
  func numbersAreComparedByTheirSquares(type: KDLossType) {
    let (student, teacher) = (Tensor([1, 2, 0.5], shape: [3, 1]), Tensor([0, 2, 1], shape: [3, 1]))
    func loss(_ isCompensated: Bool) -> Float {
      KDLoss(type, isCompensated: isCompensated)(
        student: student, teacher: teacher, kind: .values, temperature: 4
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
    let one = kd(student: student, teacher: teacher, temperature: 4)
    let each = kd(student: student, teacher: teacher, temperatures: [4, 4, 4, 4, 4])
    expectClose(each, one, type)
  }

  @Test(arguments: hidden)
  func hiddenLossMatchesTextBrewer(name: String) throws {
    let golden = try Golden("losses/\(name).safetensors")
    let keys = golden.has("student1") ? ["", "1"] : [""]
    let students = try keys.map { Parameter(name: $0, value: try golden.tensor("student" + $0)) }
    let teachers = try keys.map { try golden.tensor("teacher" + $0) }
    let context = Context(tape: Tape())
    let loss = try #require(MatchLossType(rawValue: name)).loss.ofHiddenStates(
      student: students.map { $0.tensor(in: context) },
      teacher: teachers,
      starts: try golden.integers("starts"), compatibility: .textbrewer)
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
    let loss = try #require(MatchLossType(rawValue: name)).loss.ofAttention(
      student: maps(student.tensor(in: context), heads[0]),
      teacher: maps(try golden.tensor("teacher"), heads[1]))
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), name)
    expectClose(try #require(student.gradient), try golden.tensor("grad_student"), name)
  }
}
