import Tensors
import Testing

/// What a watch says of the first value that is not finite.
@Suite struct AnomalyTests {
  private let weight = Parameter(name: "layer.weight", value: Tensor([1, 2], shape: [2]))

  /// The finding of a pass with its backward.
  private func finding(
    _ parameter: Parameter, recomputing: Bool = false, _ body: @escaping (Tensor) -> Tensor
  ) -> String? {
    let watch = AnomalyWatch()
    let context = Context(tape: Tape(watch: watch))
    context.recomputes = recomputing
    let loss =
      recomputing
      ? context.recomputing(parameter.tensor(in: context)) { x, _ in body(x) }
      : body(parameter.tensor(in: context))
    context.tape?.backward(from: loss.sum())
    parameter.zeroGradient()
    return watch.finding
  }

  @Test("a pass of finite values has no finding") func finite() {
    #expect(finding(weight) { ($0 * $0).exp().log() } == nil)
    #expect(weight.gradient == nil)
  }

  @Test("the first operation of the forward pass is named with its shape and the parameter before it")
  func forward() {
    let text = finding(weight) { ($0 * 100).exp().log() } ?? ""
    #expect(
      text.contains("come out of exp (output [2], after the parameter layer.weight), in the forward pass"),
      "\(text)")
    #expect(!text.contains("an input"), "\(text)")
    let operators = finding(weight) { $0 / Tensor([0, 1]) } ?? ""
    #expect(operators.contains("come out of / (output [2]"), "\(operators)")
  }

  @Test("an input that was not finite before is said") func constants() {
    let text = finding(weight) { $0 * Tensor([.nan, 1]) } ?? ""
    #expect(
      text.contains("come out of * ") && text.contains("; an input [2] of it was not finite already"),
      "\(text)")
    let broken = Parameter(name: "broken", value: Tensor([.infinity], shape: [1]))
    let own = finding(broken) { $0.sum() } ?? ""
    #expect(own.contains("are those of the parameter broken [1] itself"), "\(own)")
  }

  @Test(
    "the first gradient is named with what it is of and the step that it came from", arguments: [false, true])
  func backward(recomputing: Bool) {
    let zero = Parameter(name: "zero", value: Tensor([0, 1], shape: [2]))
    let text = finding(zero, recomputing: recomputing) { ($0 * 2).sqrt() } ?? ""
    #expect(
      text.contains("the gradient of * (output [2], after the parameter zero), in the backward pass"),
      "\(text)")
    #expect(text.contains("from the backward step of sqrt (output [2]"), "\(text)")
  }

  @Test("a gradient that is not finite in a parameter names the parameter") func parameters() {
    let zero = Parameter(name: "zero", value: Tensor([0, 1], shape: [2]))
    let text = finding(zero) { $0.sqrt() } ?? ""
    #expect(text.contains("the gradient of the parameter zero [2], in the backward pass"), "\(text)")
    // A later pass that nobody watches tells nothing to the watch of an earlier one.
    let watch = AnomalyWatch()
    _ = zero.tensor(in: Context(tape: Tape(watch: watch)))
    let context = Context(tape: Tape())
    context.tape?.backward(from: zero.tensor(in: context).sqrt().sum())
    #expect(watch.finding == nil && zero.gradient?.values.first?.isInfinite == true)
  }
}
