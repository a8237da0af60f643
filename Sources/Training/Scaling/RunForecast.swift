package import ModelFormats

/// Forecast of a whole run: what its updates take on one rank, as measured, and among more.
package struct RunForecast: Sendable {
  /// Updates of the run.
  package let totalSteps: Int
  /// The time of an update on one rank, then on 2, 4, and so on.
  package let steps: [StepForecast.Step]
  /// The measured phases that the forecast goes by.
  package let phases: StepPhases

  /// A forecast.
  ///
  /// - Parameters:
  ///   - measured: Phases of updates on one rank, at least one.
  ///   - totalSteps: Updates of the run on one rank; W ranks need a W-th of them for as many sequences.
  ///   - ranks: Ranks at most.
  ///   - link: The network link of a machine.
  ///   - ranksPerMachine: The ranks that share a machine.
  package init(
    _ measured: [StepPhases], totalSteps: Int, ranks: Int, link: NetworkLink, ranksPerMachine: Int
  ) {
    let forecast = StepForecast(measured, link: link, ranksPerMachine: ranksPerMachine)
    self.totalSteps = totalSteps
    phases = forecast.phases
    let powers = sequence(first: 1) { $0 * 2 < ranks ? $0 * 2 : nil }
    steps = (Array(powers) + (ranks > 1 ? [ranks] : [])).map { forecast.step(ranks: $0) }
  }

  /// Seconds of the run for the same number of sequences.
  ///
  /// - Parameter step: An update among some ranks.
  package func seconds(_ step: StepForecast.Step) -> Double {
    step.seconds * (Double(totalSteps) / Double(step.ranks)).rounded(.up)
  }

  /// All numbers, for machines.
  package var json: JSONValue {
    [
      "total_steps": .integer(totalSteps), "forward_seconds": .double(phases.before),
      "backward_seconds": .double(phases.backward), "update_seconds": .double(phases.after),
      "forecast": .array(steps.map(json)),
    ]
  }

  private func json(_ step: StepForecast.Step) -> JSONValue {
    [
      "ranks": .integer(step.ranks), "step_seconds": .double(step.seconds),
      "sending_seconds": .double(step.sending), "exposed_seconds": .double(step.exposed),
      "samples_per_second": .double(step.examples / step.seconds), "efficiency": .double(step.efficiency),
      "run_seconds": .double(seconds(step)),
    ]
  }
}
