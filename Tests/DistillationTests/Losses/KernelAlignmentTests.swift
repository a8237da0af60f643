import Distillation
import Encoders
import Tensors
import Testing
import Training

/// Centred kernel alignment: against PyTorch, in closed form, and through a distiller.
@Suite struct KernelAlignmentTests {
  private func cka(_ student: Tensor, _ teacher: Tensor) -> Tensor {
    MatchLossType.cka.loss.ofHiddenStates(
      student: [student], teacher: [teacher], starts: [0, Int32(student.shape[0])])
  }

  /// Against PyTorch in Float64 (`Tests/Reference/make_match_fixtures.py`).
  @Test func lossAndGradientMatchPyTorch() throws {
    let golden = try Golden("losses/later_cka.safetensors")
    let student = Parameter(name: "", value: try golden.tensor("student"))
    let context = Context(tape: Tape())
    let loss = MatchLossType.cka.loss.ofHiddenStates(
      student: [student.tensor(in: context)], teacher: [try golden.tensor("teacher")],
      starts: try golden.integers("starts"))
    context.tape?.backward(from: loss)
    expectClose(loss, try golden.tensor("output"), "cka")
    expectClose(try #require(student.gradient), try golden.tensor("grad_student"), "cka")
  }

  /// A rotation, a scaling and a shift are no difference; features that go with none of the teacher's are all of it.
  @Test func closedForms() {
    let x = Tensor([1, 0, 0, 2, -1, 1, 3, -2, 0.5, 1.5], shape: [5, 2])
    let rotation = Tensor([0.6, 0.8, -0.8, 0.6], shape: [2, 2])
    let turned = x.matmul(rotation) * 1e-3 + Tensor([5, -7], shape: [1, 2]) * 1e-3
    #expect(abs(cka(x, turned).item) < 1e-5)
    let (a, b) = (Tensor([1, 1, -1, -1], shape: [4, 1]), Tensor([1, -1, 1, -1], shape: [4, 1]))
    #expect(abs(cka(a, b).item - 1) < 1e-6)
    // One of two orthogonal features of equal size: ‖XᵀY‖² = 16, ‖XᵀX‖ = 4, ‖YᵀY‖ = 4√2.
    let both = Tensor([1, 1, 1, -1, -1, 1, -1, -1], shape: [4, 2])
    #expect(abs(cka(a, both).item - Float(1 - 1 / 2.0.squareRoot())) < 1e-6)
    #expect(cka(a, Tensor(repeating: 3, shape: [4, 7])).item == 0)
  }

  @Test func gradientsAgreeWithCentralDifferencesWhateverTheWidths() throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(kdLossWeight: 0.2, matches: [.map(.uniform, loss: .cka)]),
      teacher: try tinyModel(layers: 4, hidden: 12, heads: 3, seed: 1), student: try tinyModel(seed: 2))
    #expect(distiller.projections.allSatisfy { $0 == nil })
    try expectGradientsAgree(distiller, tinyBatch())
  }

  /// The parts of a batch do not add up to it.
  @Test func accumulationIsRefusedByName() throws {
    let distiller = try GeneralDistiller(
      DistillationConfig(matches: [.map(.uniform, loss: .cka)]), teacher: try tinyModel(layers: 4, seed: 1),
      student: try tinyModel(seed: 2))
    #expect {
      try distiller.checkAccumulation(2)
    } throws: {
      "\($0)".contains("intermediate_matches[0].loss: cka compares the sequences of a batch with each other")
    }
  }
}
