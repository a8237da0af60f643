import Foundation
import Kernels
import Synchronization

/// Ranks of the run that this process works on: itself alone, or all that `mpirun` or `srun` has started.
///
/// A process is one rank for all its life, as it has one number of threads. Every rank runs the same program on the same data; the
/// training loop cuts each batch among them. Rank 0 alone writes files and prints.
public enum Ranks {
  private struct Joined {
    let world: MPIWorld
    let library: MPILibrary
    let threads: ThreadShare
  }

  private static let joined = Mutex<Joined?>(nil)
  private static let alone = SoleRank()

  /// Communicator of this process.
  package static var process: any Communicator { joined.withLock { $0?.world } ?? alone }

  /// Rank of this process, from 0.
  public static var rank: Int { process.rank }

  /// Number of ranks.
  public static var count: Int { process.size }

  /// Joins the ranks that a launcher has started, if it has started several; nothing is done where there is one, or
  /// where this process has joined before.
  ///
  /// Threads are shared among the ranks of a machine, unless `POTSTILL_NUM_THREADS` says how many each takes.
  ///
  /// - Throws: An error that says what to do where several ranks were started and MPI is not there, or is another launcher's.
  public static func join() throws { try join(ProcessInfo.processInfo.environment) }

  /// Joins the ranks that some variables speak of.
  package static func join(_ environment: [String: String]) throws {
    guard joined.withLock({ $0 == nil }), let launch = Launch.find(in: environment) else { return }
    let library = try launch.library(environment)
    let world = try MPIWorld(library)
    guard world.size == launch.size else {
      throw LaunchError.otherSize(
        launched: launch.size, variable: launch.variable, found: world.size, library: library.version)
    }
    let threads = ThreadShare(of: world)
    if (environment["POTSTILL_NUM_THREADS"] ?? "").isEmpty { Parallel.threadCount = threads.share }
    joined.withLock { $0 = Joined(world: world, library: library, threads: threads) }
  }

  /// Remark on the ranks and their threads as they now are, and a warning where there are too many; nil where this process
  /// works alone.
  package static var remark: (text: String, warning: String?)? {
    joined.withLock { $0 }.map { joined in
      let taken = Parallel.threadCount
      return (
        "\(joined.world.size) ranks by \(joined.library.version), \(taken) thread\(taken == 1 ? "" : "s") each on this machine",
        joined.threads.warning(taking: taken)
      )
    }
  }

  /// Leaves the run with an exit code; every rank calls it last, and all exit codes become the highest.
  ///
  /// - Parameters:
  ///   - code: The exit code of this rank.
  ///   - complaint: Told whether this rank must say what has happened: where it alone has met an error, or where the others
  ///     do not come to their end within seconds of it, as they then are ended.
  package static func leave(_ code: Int32, complaint: (_ place: String) -> Void) -> Int32 {
    guard let world = joined.withLock({ $0?.world }) else { return code }
    let place = "rank \(world.rank) of \(world.size)"
    // Ranks that have done their work wait for those that measure and write.
    guard world.farewell(within: code == 0 ? nil : graceSeconds) else {
      complaint(place)
      // A launcher may drop what it has not passed on yet when its ranks are ended.
      Thread.sleep(forTimeInterval: messageSeconds)
      world.abort(code)
    }
    let codes = world.gather([UInt8(truncatingIfNeeded: code)])
    if code != 0, codes[0] == [0], codes.firstIndex(where: { $0 != [0] }) == world.rank { complaint(place) }
    world.finish()
    return Int32(codes.compactMap(\.first).max() ?? 0)
  }

  /// Seconds in which all ranks meet an error that they meet together.
  private static let graceSeconds = 3.0
  /// Seconds in which a launcher passes a last message on.
  private static let messageSeconds = 0.5
}
