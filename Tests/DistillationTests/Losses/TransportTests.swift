import Distillation
import Encoders
import Foundation
import ModelFormats
import Tensors
import TestSupport
import Testing
import Training

@Suite struct TransportTests {
  /// As cheap as `scipy.optimize.linprog` makes it (`Tests/Reference/make_match_fixtures.py`), and feasible.
  @Test func flowsAreTheCheapest() throws {
    let problems = try JSONValue(contentsOf: Fixtures.url("distillation/transport.json")).arrayValue ?? []
    #expect(problems.count == 18)
    for problem in problems {
      let numbers = { (key: String) in (problem[key]?.arrayValue ?? []).compactMap(\.doubleValue) }
      let (supply, demand, costs) = (numbers("supply"), numbers("demand"), numbers("costs"))
      let flow = TransportProblem(supply: supply, demand: demand, costs: costs).cheapestFlow()
      let cost = zip(flow, costs).reduce(0) { $0 + $1.0 * $1.1 }
      let name = "\(supply.count) × \(demand.count)"
      #expect(abs(cost - (try #require(problem["optimum"]?.doubleValue))) < 1e-9, "\(name)")
      #expect(flow.allSatisfy { $0 >= 0 })
      for (i, amount) in supply.enumerated() {
        let sent = (0..<demand.count).reduce(0) { $0 + flow[i * demand.count + $1] }
        #expect(abs(sent - amount) < 1e-9, "\(name)")
      }
      for (j, amount) in demand.enumerated() {
        let got = (0..<supply.count).reduce(0) { $0 + flow[$1 * demand.count + j] }
        #expect(abs(got - amount) < 1e-9, "\(name)")
      }
      // A vertex of the polytope: no more cells in use than rows and columns need.
      #expect(flow.count { $0 > 0 } < supply.count + demand.count)
    }
  }

  @Test func nothingToSendAndNothingToPay() {
    #expect(TransportProblem(supply: [1], demand: [1], costs: [0]).cheapestFlow() == [1])
    #expect(
      TransportProblem(supply: [0.5, 0.5], demand: [0, 1], costs: [0, 0, 0, 0]).cheapestFlow() == [
        0, 0.5, 0, 0.5,
      ])
  }

  private func features(_ golden: Golden, _ side: String, _ kind: String, _ layers: Int) throws -> [Tensor] {
    try (0..<layers).map { try golden.tensor("\(side)_\(kind).\($0)") }
  }

  /// Two steps against PyTorch and scipy: the second has the weights that the first left behind.
  @Test func lossMatchesPyTorch() throws {
    let golden = try Golden("losses/later_emd.safetensors")
    let hidden = try features(golden, "student", "hidden", 3).enumerated().map {
      Parameter(name: "student_hidden.\($0)", value: $1)
    }
    let scores = try features(golden, "student", "scores", 2).enumerated().map {
      Parameter(name: "student_scores.\($0)", value: $1)
    }
    let teacher = (
      hidden: try features(golden, "teacher", "hidden", 6),
      scores: try features(golden, "teacher", "scores", 5)
    )
    let transport = LayerTransport(name: "projections.0", students: 2, teachers: 5)
    func loss(_ context: Context) -> Tensor {
      transport.loss(
        student: hidden.map { $0.tensor(in: context) }, teacher: teacher.hidden,
        attention: (scores.map { $0.tensor(in: context) }, teacher.scores), in: context)
    }
    // Outside training nothing moves.
    expectClose(loss(.inference), try golden.tensor("output"), "emd")
    #expect(transport.studentWeights.values == [0.5, 0.5])
    let context = recording()
    let first = loss(context)
    context.tape?.backward(from: first)
    expectClose(first, try golden.tensor("output"), "emd")
    for parameter in hidden + scores {
      expectClose(
        try #require(parameter.gradient), try golden.tensor("grad_" + parameter.name), parameter.name)
    }
    expectClose(transport.studentWeights.detached, try golden.tensor("student_weights"), "student weights")
    expectClose(transport.teacherWeights.detached, try golden.tensor("teacher_weights"), "teacher weights")
    expectClose(loss(.inference), try golden.tensor("second_output"), "emd after a step")
  }

  /// A student that copies a layer of the teacher leaves finite weights of 1 in all.
  @Test(arguments: [1, 3, 4, 24])
  func perfectCopiesKeepWeightsFinite(count: Int) {
    let layers = (0...count).map { Tensor([Float($0), 1, 2, 3], shape: [2, 2]) }
    let transport = LayerTransport(name: "projections.0", students: count, teachers: count)
    for _ in 0..<5 { #expect(transport.loss(student: layers, teacher: layers, in: recording()).item == 0) }
    for parameter in transport.state {
      let values = parameter.values
      #expect(values.allSatisfy { $0.isFinite && $0 > 0 } && abs(values.reduce(0, +) - 1) < 1e-6)
    }
  }

  @Test(arguments: [2, 3])
  func gradientsAgreeWithCentralDifferences(studentHeads: Int) throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(kdLossWeight: 0.3, matches: [.match(try #require(IntermediateMatch(.emd)))]),
      teacher: try tinyModel(layers: 3, hidden: 12, heads: 3, seed: 1),
      student: try tinyModel(layers: 2, hidden: studentHeads == 3 ? 6 : 8, heads: studentHeads, seed: 2))
    #expect(distiller.matches.map(\.comparesAttention) == [studentHeads == 3])
    #expect(distiller.groups.flatMap(\.parameters).count { $0.name.hasPrefix("projections.0.") } == 6)
    // In training the weights move, and with them the loss.
    try expectGradientsAgree(distiller, tinyBatch(), isTraining: false)
  }

  @Test func theEntryReadsAndIsRefusedWhereItDoesNotFit() throws {
    let config = DistillationConfig(json: [
      "matches": ["emd", ["loss": "emd", "attention": false, "weight": 2]]
    ])
    #expect(config.readingFaults.isEmpty && config.matches.count == 2)
    #expect(DistillationConfig(json: config.json) == config)
    let wrong = DistillationConfig(
      json: ["matches": [["loss": "emd", "layer_T": 3], "uniform:emd", ["loss": "emd", "attention": true]]])
    let found = faults(
      wrong, teacher: try tinyModel(layers: 3, hidden: 12, heads: 3), student: try tinyModel())
    #expect(
      found.map(\.field) == [
        "matches[0].layer_T", "intermediate_matches[1]", "intermediate_matches[2].attention",
      ], "\(found)")
  }

  @Test func thePlanCountsEveryProjection() throws {
    let plan = try DistillationPlan(
      DistillationConfig(matches: [.match(try #require(IntermediateMatch(.emd)))]),
      teacher: ModelDescription(try tinyModel(layers: 3, hidden: 12, heads: 3), name: "teacher/"),
      student: ModelDescription(try tinyModel(layers: 2), name: "student/"), tokensPerBatch: 100)
    #expect(plan.projectionCount == 3 * (8 * 12 + 12))
    #expect(
      plan.lines.contains(
        "match    1 × emd  teacher all layers  [T, 12]  student all layers  [T, 8]  linear 8 → 12"),
      "\(plan.lines.joined(separator: "\n"))")
  }
}
