import Foundation
import Tensors

/// Phases of an update on one rank, from which its time among several ranks follows.
package struct StepPhases: Sendable {
  /// Gradient of a parameter, as the last backward pass leaves it.
  package struct Gradient: Sendable, Equatable {
    /// The number of values.
    package let count: Int
    /// The rows of a table that are not zero; nil where any value may be.
    package let rows: [Int32]?
    /// The values of a row; all where there are no rows.
    package let columns: Int
    /// Seconds from the beginning of the last backward pass to the moment from which nothing is added any more.
    package let ready: Double

    package init(count: Int, rows: [Int32]? = nil, columns: Int? = nil, ready: Double) {
      (self.count, self.rows, self.columns, self.ready) = (count, rows, columns ?? count, ready)
    }
  }

  /// Seconds up to the last backward pass: batches, a teacher's answers, forward passes, and all backward passes but the last.
  package let before: Double
  /// Seconds of the last backward pass.
  package let backward: Double
  /// Seconds behind it: clipping and the optimizer.
  package let after: Double
  /// Gradients of all parameters of the last pass, in the order in which ranks send them.
  package let gradients: [Gradient]
  /// Sequences of the update.
  package let examples: Int

  package init(before: Double, backward: Double, after: Double, gradients: [Gradient], examples: Int) {
    (self.before, self.backward, self.after) = (before, backward, after)
    (self.gradients, self.examples) = (gradients, examples)
  }

  /// Seconds of the whole update.
  package var seconds: Double { before + backward + after }
}

/// Observer that is told of the phases of each update of a process that works alone.
package protocol StepPhaseObserver: TrainingObserver {
  /// An update was made.
  func measured(_ phases: StepPhases)
}

/// Clock of an update's phases.
struct PhaseClock {
  private let begin = ContinuousClock.now
  private var backwardBegin: ContinuousClock.Instant?
  private var backwardEnd: ContinuousClock.Instant?
  private var ready: [ObjectIdentifier: Double] = [:]

  /// Runs the last backward pass.
  mutating func run(_ backward: (_ done: (GradientSlot) -> Void) -> Void) {
    let begin = ContinuousClock.now
    var ready: [ObjectIdentifier: Double] = [:]
    backward { ready[ObjectIdentifier($0)] = (ContinuousClock.now - begin) / .seconds(1) }
    (backwardBegin, backwardEnd, self.ready) = (begin, ContinuousClock.now, ready)
  }

  /// Form and time of the gradients, before the update forgets them.
  func gradients(of parameters: [Parameter]) -> [StepPhases.Gradient] {
    parameters.reversed().compactMap { parameter in
      ready[ObjectIdentifier(parameter.slot)].map {
        let rows = parameter.slot.rows
        return StepPhases.Gradient(
          count: parameter.count, rows: rows?.indices, columns: rows?.columns, ready: $0)
      }
    }
  }

  /// The phases, at the end of the update; nil where it had no backward pass.
  func phases(_ gradients: [StepPhases.Gradient], examples: Int) -> StepPhases? {
    guard let backwardBegin, let backwardEnd else { return nil }
    return StepPhases(
      before: (backwardBegin - begin) / .seconds(1), backward: (backwardEnd - backwardBegin) / .seconds(1),
      after: (ContinuousClock.now - backwardEnd) / .seconds(1), gradients: gradients, examples: examples)
  }
}
