import ArgumentParser
import Cluster
import CommandOptions
import Foundation
import Kernels
import Terminal

extension ParsableCommand {
  /// The command once the ranks that a launcher has started have come together, if it is one that they run together.
  ///
  /// Any other is run by rank 0 alone, so that no two write into one place.
  ///
  /// - Throws: `ExitCode.success` on the ranks that have nothing to do; what to do where several ranks were started and MPI is
  ///   not there.
  func joiningRanks(on console: Console) throws -> any ParsableCommand {
    guard let launch = Launch.find(in: console.environment) else { return self }
    guard self is any RankedCommand else {
      // Variables that do not come from MPI say nothing to a command that does not use it.
      if launch.kind == .other { return self }
      if launch.rank > 0 { throw ExitCode.success }
      console.note(
        "potstill: note: \(Self._commandName) runs on one process; the other \(launch.size - 1) ranks have nothing to do"
      )
      return self
    }
    try Ranks.join(console.environment)
    return self
  }
}
