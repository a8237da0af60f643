import Cluster
import Kernels
import Tensors

/// Shares of the ranks in an optimizer's states: each rank keeps those of some parameters, updates these, and hands their new values
/// to the others (ZeRO, stage 1; Rajbhandari and others 2020).
///
/// Each parameter has one owner, so that rules which look at a whole parameter, as LAMB and Adafactor do, compute what one process
/// would, and values are equal to the bit to those without shares. The largest parameters are given out first, each to the rank that
/// has the least so far.
package struct OptimizerShares {
  private let ranks: any Communicator
  /// The rank of each parameter.
  let owners: [Int]

  /// The shares of some ranks.
  ///
  /// - Parameters:
  ///   - sizes: The values in the states of each parameter.
  ///   - ranks: The ranks.
  init(of sizes: [Int], among ranks: any Communicator) {
    self.ranks = ranks
    owners = Self.owners(of: sizes, ranks: ranks.size)
  }

  /// The owner of each parameter among some ranks.
  package static func owners(of sizes: [Int], ranks: Int) -> [Int] {
    var owners = [Int](repeating: 0, count: sizes.count)
    var loads = [Int](repeating: 0, count: ranks)
    for index in sizes.indices.sorted(by: { (sizes[$1], $0) < (sizes[$0], $1) }) {
      let rank = loads.indices.min { (loads[$0], $0) < (loads[$1], $1) } ?? 0
      owners[index] = rank
      loads[rank] += sizes[index]
    }
    return owners
  }

  /// Whether this rank keeps a parameter's states.
  func isOwn(_ index: Int) -> Bool { owners[index] == ranks.rank }

  /// Hands the new values of parameters to the ranks that have not updated them.
  ///
  /// - Parameter updated: The parameters that were updated, with their places, the same on every rank.
  func spread(_ updated: [(index: Int, parameter: Parameter)]) {
    for owner in 0..<ranks.size {
      let own = updated.filter { owners[$0.index] == owner }
      ranks.broadcast(own.map(\.parameter.storage), from: owner)
    }
  }

  /// A state tensor as its owner has it.
  ///
  /// - Parameter own: The tensor on its owner; nil elsewhere.
  func state(of index: Int, count: Int, own: Storage?) -> Storage {
    let tensor = own ?? Storage(uninitialized: count)
    ranks.broadcast(tensor, from: owners[index])
    return tensor
  }
}
