import Cluster
import Foundation

/// Forecast of an update's time among several ranks, from its phases on one and the network between them.
///
/// Each rank computes what the one did; the groups of gradients go over the network one after the other, each once the backward pass
/// has done with it, as `GradientSum` sends them. A sum of n values takes 8 (W - 1) / W bytes a value out of each of W ranks; ranks of
/// one machine share its link, and what they tell each other goes over none. Packing and adding take the processor's time; what
/// the system takes for sockets is not in it.
package struct StepForecast: Sendable {
  /// Time of an update among some ranks.
  package struct Step: Sendable, Equatable {
    /// The number of ranks.
    package let ranks: Int
    /// Seconds of the update.
    package let seconds: Double
    /// Seconds in which gradients are on their way.
    package let sending: Double
    /// Seconds of these in which nothing is computed.
    package let exposed: Double
    /// Sequences of the update, of all ranks.
    package let examples: Double
    /// Speed by that of as many ranks without anything to send.
    package let efficiency: Double
  }

  /// The measured phases that it goes by: those of the update of median time.
  package let phases: StepPhases
  private let examples: Double
  private let link: NetworkLink
  private let ranksPerMachine: Int
  /// Seconds of the processor for a value that is packed, added and unpacked.
  private let secondsPerValue: Double
  /// Exponent β of each gradient: the number of different rows of its table in n updates is n^β times that in one (Heaps 1978).
  private let growth: [Double]

  /// A forecast.
  ///
  /// - Parameters:
  ///   - measured: Phases of updates on one rank, at least one.
  ///   - link: The network link of a machine.
  ///   - ranksPerMachine: The ranks that share a link.
  ///   - secondsPerValue: Seconds for a value that is packed, added and unpacked.
  package init(
    _ measured: [StepPhases], link: NetworkLink, ranksPerMachine: Int = 1,
    secondsPerValue: Double = Bucket.secondsPerValue()
  ) {
    precondition(!measured.isEmpty, "A forecast needs the phases of an update.")
    (self.link, self.ranksPerMachine) = (link, max(1, ranksPerMachine))
    self.secondsPerValue = secondsPerValue
    phases = Self.median(measured)
    examples = Double(measured.reduce(0) { $0 + $1.examples }) / Double(measured.count)
    growth = phases.gradients.indices.map { place in
      Self.growth(
        measured.compactMap { $0.gradients.indices.contains(place) ? $0.gradients[place].rows : nil })
    }
  }

  /// The time among some ranks.
  package func step(ranks: Int) -> Step {
    guard ranks > 1 else { return step(1, phases.seconds, sending: 0, exposed: 0) }
    var (free, sending, computing) = (0.0, 0.0, phases.backward)
    for group in Bucket.groups(of: phases.gradients.map(\.count)) {
      let gradients = phases.gradients[group]
      let cost = cost(of: gradients, among: ranks)
      // The sender works beside the pass, on a processor that the pass would have.
      computing += cost.processor
      free = max(free, gradients.map(\.ready).max() ?? 0) + cost.seconds
      sending += cost.seconds
    }
    let exposed = max(0, free - computing)
    let rest = phases.before + phases.after + Double(Self.smallExchanges) * latency(among: ranks)
    return step(ranks, rest + computing + exposed, sending: sending, exposed: exposed)
  }

  private func step(_ ranks: Int, _ seconds: Double, sending: Double, exposed: Double) -> Step {
    Step(
      ranks: ranks, seconds: seconds, sending: sending, exposed: exposed,
      examples: examples * Double(ranks), efficiency: phases.seconds / seconds)
  }

  /// Share of a link's bits that are the messages': the others are headers of TCP, IP and Ethernet, and acknowledgements.
  private static let payload = 0.93
  /// Exchanges of a few bytes in an update: of losses, faults and reasons to stop, each of two rounds.
  private static let smallExchanges = 6

  /// Seconds of a round in which every rank tells every other a few bytes.
  private func latency(among ranks: Int) -> Double {
    ranks > ranksPerMachine ? link.latency * ceil(log2(Double(ranks))) : 0
  }

  /// Seconds that the sum of a group takes, and those of them in which the processor works.
  private func cost(
    of gradients: ArraySlice<StepPhases.Gradient>, among ranks: Int
  ) -> (seconds: Double, processor: Double) {
    var (values, rounds) = (0.0, 2.0)
    for (place, gradient) in zip(gradients.indices, gradients) {
      guard let rows = gradient.rows, !rows.isEmpty else {
        values += Double(gradient.count)
        continue
      }
      // Numbers of the rows go first.
      rounds += 4
      let used = Double(rows.count) * pow(Double(ranks), growth[place])
      values += min(Double(gradient.count), used * Double(gradient.columns))
    }
    if values > 0 { rounds += 2 }
    let all = Double(ranks)
    let away = ranks > ranksPerMachine ? Double(ranksPerMachine) * (all - Double(ranksPerMachine)) / all : 0
    // What a machine sends over its link.
    let network = 8 * 8 * away * values / (Self.payload * link.bitsPerSecond)
    let packing = values * secondsPerValue
    return (rounds * latency(among: ranks) + network + packing, packing)
  }

  // MARK: Measured updates

  private static func median(_ measured: [StepPhases]) -> StepPhases {
    let sorted = measured.sorted { $0.seconds < $1.seconds }
    return sorted[(sorted.count - 1) / 2]
  }

  /// The growth of the rows from one update to all.
  private static func growth(_ rows: [[Int32]]) -> Double {
    guard rows.count > 1, rows.contains(where: { !$0.isEmpty }) else { return 1 }
    let mean = Double(rows.reduce(0) { $0 + $1.count }) / Double(rows.count)
    let all = Double(rows.reduce(into: Set<Int32>()) { $0.formUnion($1) }.count)
    return min(1, max(0, log(all / mean) / log(Double(rows.count))))
  }
}
