import Cluster
import Kernels
import Testing

@Suite struct LaunchTests {
  @Test func launchersAreKnownByTheirVariables() {
    let openMPI = Launch.find(in: ["OMPI_COMM_WORLD_RANK": "3", "OMPI_COMM_WORLD_SIZE": "4"])
    #expect(openMPI?.kind == .openMPI && openMPI?.rank == 3 && openMPI?.size == 4)
    let mpich = Launch.find(in: ["PMI_RANK": "0", "PMI_SIZE": "2", "WORLD_SIZE": "8", "RANK": "5"])
    #expect(mpich?.kind == .mpich && mpich?.rank == 0 && mpich?.size == 2)
    let step = Launch.find(in: ["SLURM_PROCID": "1", "SLURM_STEP_NUM_TASKS": "2", "SLURM_NTASKS": "2"])
    #expect(step?.kind == .slurm && step?.rank == 1)
    let torch = Launch.find(in: ["RANK": "1", "WORLD_SIZE": "2"])
    #expect(torch?.kind == .other && torch?.variable == "WORLD_SIZE")
  }

  /// A process alone is one rank, as is a batch script whose steps are yet to be started, and nonsense is nobody's rank.
  @Test(arguments: [
    [:], ["OMPI_COMM_WORLD_RANK": "0", "OMPI_COMM_WORLD_SIZE": "1"],
    ["SLURM_PROCID": "0", "SLURM_NTASKS": "4"],
    ["PMI_RANK": "7", "PMI_SIZE": "2"], ["RANK": "x", "WORLD_SIZE": "2"], ["WORLD_SIZE": "2"],
  ])
  func oneRankIsNoLaunch(_ environment: [String: String]) {
    #expect(Launch.find(in: environment) == nil)
  }

  /// Without a library each rank would be a run of its own, so it is an error that says what to do.
  @Test func aLaunchWithoutLibraryIsRefused() throws {
    let environment = [
      "PMI_RANK": "0", "PMI_SIZE": "2", Launch.libraryVariable: "/nowhere/libmpi.so",
    ]
    let launch = try #require(Launch.find(in: environment))
    let error = #expect(throws: LaunchError.self) { try launch.library(environment) }
    let text = error.map { "\($0)" } ?? ""
    #expect(text.contains("PMI_SIZE says that 2 ranks") && text.contains("/nowhere/libmpi.so"), "\(text)")
    #expect(text.contains("same folder") && text.contains(Launch.libraryVariable), "\(text)")
    #expect(throws: LaunchError.unknownLibrary("lam")) {
      try launch.library([Launch.libraryVariable: "lam"])
    }
  }

  /// Ranks on the same processors divide them; each takes one at least, and too many are told.
  @Test func threadsAreShared() {
    #expect(ThreadShare(processors: 8, sharers: 4).share == 2)
    #expect(ThreadShare(processors: 8, sharers: 4).warning(taking: 2) == nil)
    #expect(ThreadShare(processors: 2, sharers: 4).share == 1)
    #expect(ThreadShare(processors: 2, sharers: 4).warning(taking: 1)?.contains("share 2 processors") == true)
    #expect(ThreadShare(processors: 1, sharers: 1).warning(taking: 1) == nil)
  }

  /// A rank that is bound to some processors takes these, whatever else the machine has.
  @Test func boundProcessorsAreCounted() {
    #expect(ThreadShare.count("0-3,8") == 5)
    #expect(ThreadShare.count("1") == 1)
    #expect(
      ThreadShare.count("") == nil && ThreadShare.count("x-3") == nil && ThreadShare.count("3-1") == nil
        && ThreadShare.count("-") == nil)
  }

  @Test func versionsAreShort() {
    #expect(
      MPILibrary.shortVersion("Open MPI v4.1.4, package: Debian OpenMPI, ident: 4.1.4, repo rev: v4.1.4")
        == "Open MPI v4.1.4")
    #expect(
      MPILibrary.shortVersion("MPICH Version:      4.0.2\nMPICH Release date: Thu Apr  7")
        == "MPICH Version: 4.0.2")
  }
}
