import Kernels
import Synchronization

/// Watch over one pass for the first value that is NaN or infinite: every operation's output, and every gradient that a backward step
/// adds up (as `torch.autograd.set_detect_anomaly`, which looks at gradients alone).
///
/// A tape that has none looks at nothing. What it finds is kept, and the pass goes on.
package final class AnomalyWatch: Sendable {
  private struct State {
    var finding: String?
    /// The parameter that entered the pass last: what the layer at work can be told by.
    var parameter: String?
    /// The operation whose backward step is at work.
    var step: String?
  }
  private let state = Mutex(State())

  /// Name of a gradient's place: what it is the gradient of, and the watch that looks at it.
  final class Tag: Sendable {
    /// The operation, or the parameter, with its shape.
    let name: String
    private let watch: AnomalyWatch

    init(_ name: String, _ watch: AnomalyWatch) { (self.name, self.watch) = (name, watch) }

    /// Looks at a gradient to which something was added.
    func look(at gradient: Storage) { watch.look(at: gradient, of: self) }
  }

  /// A watch that has found nothing yet.
  package init() {}

  /// The first operation whose values were not finite, in a sentence without its end; nil while all were.
  package var finding: String? { state.withLock(\.finding) }

  /// Looks at the output of an operation, and gives the place of its gradient a name.
  func look(at output: Storage, _ shape: Shape, of operation: StaticString, inputs: [Tensor?]) -> Tag {
    let parameter = state.withLock(\.parameter)
    let place = parameter.map { ", after the parameter \($0)" } ?? ""
    let name = "\(Self.name(of: operation)) (output \(shape)\(place))"
    if finding == nil, !Self.isFinite(output) {
      let broken = inputs.compactMap { $0 }.first { !Self.isFinite($0.storage) }
      note(
        "the first values that are not finite come out of \(name), in the forward pass"
          + (broken.map { "; an input \($0.shape) of it was not finite already" } ?? ""))
    }
    return Tag(name, self)
  }

  /// Looks at a parameter that enters the pass, and gives the place of its gradient a name.
  func enter(_ parameter: Parameter) -> Tag {
    if finding == nil, parameter.isTrainable, !Self.isFinite(parameter.storage) {
      note(
        "the first values that are not finite are those of the parameter \(parameter.name) \(parameter.shape) itself"
      )
    }
    state.withLock { $0.parameter = parameter.name }
    return Tag("the parameter \(parameter.name) \(parameter.shape)", self)
  }

  /// Notes the operation whose backward step begins; returns the one before.
  func begin(_ step: String?) -> String? {
    state.withLock { state in
      defer { state.step = step }
      return state.step
    }
  }

  private func look(at gradient: Storage, of tag: Tag) {
    guard finding == nil, !Self.isFinite(gradient) else { return }
    let step = state.withLock(\.step)
    note(
      "the first values that are not finite are those of the gradient of \(tag.name), in the backward pass"
        + (step.map { ", from the backward step of \($0)" } ?? ""))
  }

  private func note(_ finding: String) {
    state.withLock { if $0.finding == nil { $0.finding = finding } }
  }

  /// Whether all values are finite: in double precision no sum of their squares overflows.
  private static func isFinite(_ values: Storage) -> Bool { Reductions.sumOfSquares(values).isFinite }

  /// The name of a function without the names of its arguments.
  private static func name(of operation: StaticString) -> String {
    String("\(operation)".prefix { $0 != "(" })
  }
}
