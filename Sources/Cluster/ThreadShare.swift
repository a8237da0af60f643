import Foundation
import Kernels

/// Share of a machine's processors that a rank takes: those that it may run on, divided among the ranks that may run on the
/// same.
///
/// `mpirun` and `srun` bind ranks to cores, to packages or not at all, so a rank asks the system which processors are its own and
/// tells the others. Ranks on one machine with the same processors divide them evenly; with others each takes its own.
package struct ThreadShare: Equatable, Sendable {
  /// Processors that this rank may use.
  package let processors: Int
  /// Ranks that may use the same ones, this one among them.
  package let sharers: Int

  /// A share of parts.
  package init(processors: Int, sharers: Int) {
    (self.processors, self.sharers) = (max(1, processors), max(1, sharers))
  }

  /// The share of this process; every rank asks at once.
  init(of ranks: any Communicator) {
    let allowed = Self.allowedProcessors
    let own = Array("\(ProcessInfo.processInfo.hostName) \(allowed)".utf8)
    let sharers = ranks.gather(own).count { $0 == own }
    let processors = Machine.probe().processors
    self.init(processors: min(processors, Self.count(allowed) ?? processors), sharers: sharers)
  }

  /// Threads of a rank.
  package var share: Int { max(1, processors / sharers) }

  /// Warning for ranks that together take more threads than there are processors; nil where they do not.
  ///
  /// - Parameter threads: Threads of each rank.
  package func warning(taking threads: Int) -> String? {
    guard threads * sharers > processors else { return nil }
    return "\(sharers) ranks with \(threads) thread\(threads == 1 ? "" : "s") each share \(processors) "
      + "processor\(processors == 1 ? "" : "s"); start fewer ranks, or give each more processors (mpirun --bind-to none, "
      + "srun --cpus-per-task)"
  }

  /// The number of processors of a list such as `0-3,8`; nil where it is none.
  package static func count(_ list: String) -> Int? {
    var count = 0
    for part in list.split(separator: ",") {
      let ends = part.split(separator: "-").map { Int($0) }
      guard ends.count <= 2, let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else {
        return nil
      }
      count += last - first + 1
    }
    return count > 0 ? count : nil
  }

  /// Processors that the system lets this process run on, in the system's words; empty where it does not say.
  private static var allowedProcessors: String {
    guard let status = try? String(contentsOfFile: "/proc/self/status", encoding: .utf8) else { return "" }
    let line = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed_list:") }
    return line.map { $0.split(whereSeparator: \.isWhitespace).dropFirst().joined() } ?? ""
  }
}
