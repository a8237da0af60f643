import Foundation
import Kernels

/// Launch of this process among others by `mpirun` or `srun`, as the launcher's variables say it.
package struct Launch: Equatable, Sendable {
  /// Kind of launcher, by the variables that it sets.
  package enum Kind: String, CaseIterable, Sendable {
    /// `mpirun` of Open MPI.
    case openMPI
    /// `mpirun` of MPICH, Intel MPI and MVAPICH, and `srun --mpi=pmi2`.
    case mpich
    /// `srun` with another kind of MPI, or with none.
    case slurm
    /// Launcher of ranks without MPI, such as `torchrun`.
    case other

    /// Variables of the rank and of the number of ranks, in this order.
    fileprivate var variables: [(rank: String, size: String)] {
      switch self {
      case .openMPI: [("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")]
      case .mpich: [("PMI_RANK", "PMI_SIZE"), ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE")]
      // In a batch script SLURM_NTASKS is that of the job, though one process runs; a step has a variable of its own.
      case .slurm: [("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")]
      case .other: [("RANK", "WORLD_SIZE")]
      }
    }

    /// Families of libraries that may be the launcher's, the likeliest first.
    package var families: [MPILibrary.Family] {
      switch self {
      case .openMPI: [.openMPI]
      case .mpich: [.mpich]
      case .slurm, .other: [.openMPI, .mpich]
      }
    }

    /// Package with the launcher's library.
    package var remedy: String {
      switch self {
      case .openMPI: "install Open MPI on every node (Debian: apt-get install libopenmpi3)"
      case .mpich: "install MPICH on every node (Debian: apt-get install libmpich12)"
      case .slurm, .other: "install Open MPI or MPICH on every node"
      }
    }
  }

  /// Kind of launcher.
  package let kind: Kind
  /// Rank of this process, from 0.
  package let rank: Int
  /// Number of ranks, 2 or more.
  package let size: Int
  /// Variable that says how many there are.
  package let variable: String

  /// Variable that names the library to use: `openmpi`, `mpich`, or the path of a library.
  package static let libraryVariable = "POTSTILL_MPI"

  /// The launch that some variables speak of; nil where they speak of no more than one rank.
  package static func find(in environment: [String: String]) -> Launch? {
    for kind in Kind.allCases {
      for (rankName, sizeName) in kind.variables {
        guard let size = environment[sizeName].flatMap({ Int($0) }), size > 1,
          let rank = environment[rankName].flatMap({ Int($0) }), (0..<size).contains(rank)
        else { continue }
        return Launch(kind: kind, rank: rank, size: size, variable: sizeName)
      }
    }
    return nil
  }

  /// Loads the launcher's library.
  ///
  /// - Throws: `LaunchError.noLibrary` with what to do, `.unknownLibrary`.
  package func library(_ environment: [String: String]) throws(LaunchError) -> MPILibrary {
    let chosen = environment[Self.libraryVariable] ?? ""
    let families: [MPILibrary.Family]
    switch chosen {
    case "": families = kind.families
    case "openmpi": families = [.openMPI]
    case "mpich": families = [.mpich]
    case let path where path.contains("/"):
      do { return try MPILibrary.load(path: path) } catch {
        throw .noLibrary(
          size: size, variable: variable, reason: "\(error)", remedy: "mend \(Self.libraryVariable)")
      }
    case let name: throw .unknownLibrary(name)
    }
    var reasons: [String] = []
    for family in families {
      do { return try MPILibrary.load(family) } catch { reasons.append("\(error)") }
    }
    throw .noLibrary(
      size: size, variable: variable, reason: reasons.joined(separator: "; "),
      remedy: "\(kind.remedy), or name its library in \(Self.libraryVariable)")
  }
}

/// Error of a launch whose ranks cannot come together.
package enum LaunchError: Error, Equatable, CustomStringConvertible {
  /// No MPI library can be used.
  case noLibrary(size: Int, variable: String, reason: String, remedy: String)
  /// The variable that names a library holds something else.
  case unknownLibrary(String)
  /// The library knows another number of ranks than the launcher.
  case otherSize(launched: Int, variable: String, found: Int, library: String)

  package var description: String {
    switch self {
    case .noLibrary(let size, let variable, let reason, let remedy):
      "\(variable) says that \(size) ranks were started, but \(reason). Without MPI each would be a run of its own and "
        + "write into the same folder. To go on, \(remedy); or unset \(variable) to run alone"
    case .unknownLibrary(let name):
      "\(Launch.libraryVariable) is \"\(name)\"; expected openmpi, mpich or the path of a library"
    case .otherSize(let launched, let variable, let found, let library):
      "\(variable) says that \(launched) ranks were started, but \(library) finds \(found). The launcher must be that of the "
        + "library: mpirun of the same MPI, or srun with --mpi=pmix (Open MPI) or --mpi=pmi2 (MPICH); "
        + "\(Launch.libraryVariable) chooses the library"
    }
  }
}
