import Foundation

/// MPI library of this machine, loaded at run time by its published binary interface: nothing of MPI is compiled or linked.
///
/// Two interfaces are known, each fixed for years: that of Open MPI (`libmpi.so.40`, from 3.0 on), whose handles are addresses, and
/// that of MPICH 3.1 and its relatives Intel MPI and MVAPICH (`libmpich.so.12`, `libmpi.so.12`), whose handles are numbers of 32
/// bits; a register passes both. Bytes alone are sent: all arithmetic is Potstill's own, in an order of its own.
package struct MPILibrary: @unchecked Sendable {
  // Sendable because it is written once, when the library is loaded.

  /// Binary interface of a library.
  package enum Family: String, Sendable, CaseIterable {
    /// Open MPI.
    case openMPI = "Open MPI"
    /// MPICH, Intel MPI and MVAPICH.
    case mpich = "MPICH"

    /// Files to look for, in this order.
    package var fileNames: [String] {
      switch self {
      case .openMPI: ["libmpi.so.40", "libmpi.40.dylib", "/usr/lib64/openmpi/lib/libmpi.so.40"]
      case .mpich:
        ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib", "/usr/lib64/mpich/lib/libmpi.so.12"]
      }
    }
  }

  typealias Handle = UnsafeMutableRawPointer
  typealias Request = UnsafeMutablePointer<Handle?>
  typealias Counts = UnsafePointer<Int32>
  typealias Number = UnsafeMutablePointer<Int32>

  /// Binary interface.
  package let family: Family
  /// File as it was asked for.
  package let path: String
  /// Version as the library says it, such as `Open MPI v4.1.4`.
  package let version: String

  let world: Handle?
  let byte: Handle?
  let initThread: @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?, Int32, Number) -> Int32
  let commRank: @convention(c) (Handle?, Number) -> Int32
  let commSize: @convention(c) (Handle?, Number) -> Int32
  let commDup: @convention(c) (Handle?, Request) -> Int32
  let iallgatherv:
    @convention(c) (
      UnsafeRawPointer?, Int32, Handle?, UnsafeMutableRawPointer?, Counts, Counts, Handle?, Handle?, Request
    ) -> Int32
  let ialltoallv:
    @convention(c) (
      UnsafeRawPointer?, Counts, Counts, Handle?, UnsafeMutableRawPointer?, Counts, Counts, Handle?, Handle?,
      Request
    ) -> Int32
  let ibcast: @convention(c) (UnsafeMutableRawPointer?, Int32, Handle?, Int32, Handle?, Request) -> Int32
  let ibarrier: @convention(c) (Handle?, Request) -> Int32
  let test: @convention(c) (Request, Number, UnsafeMutableRawPointer?) -> Int32
  let abort: @convention(c) (Handle?, Int32) -> Int32
  let finalize: @convention(c) () -> Int32

  /// Status that is not asked for.
  var noStatus: UnsafeMutableRawPointer? {
    switch family {
    case .openMPI: nil
    case .mpich: UnsafeMutableRawPointer(bitPattern: 1)
    }
  }

  /// Loads the first library of a family that is there.
  ///
  /// - Throws: `MPIError.notFound` and `.missingSymbol`.
  package static func load(_ family: Family) throws(MPIError) -> MPILibrary {
    var reason = ""
    for name in family.fileNames {
      // Open MPI's plug-ins look for its symbols among those of the whole process.
      if let handle = dlopen(name, RTLD_NOW | RTLD_GLOBAL) { return try MPILibrary(handle, name) }
      if reason.isEmpty { reason = Self.lastMessage }
    }
    throw .notFound(tried: family.fileNames, reason: reason)
  }

  /// Loads a library of a path, of whichever family it is.
  ///
  /// - Throws: `MPIError.notFound` and `.missingSymbol`.
  package static func load(path: String) throws(MPIError) -> MPILibrary {
    guard let handle = dlopen(path, RTLD_NOW | RTLD_GLOBAL) else {
      throw .notFound(tried: [path], reason: lastMessage)
    }
    return try MPILibrary(handle, path)
  }

  /// The libraries that are on this machine, one of each family, none of which is started.
  package static var installed: [MPILibrary] {
    Family.allCases.compactMap { family in
      for name in family.fileNames {
        // Not among the symbols of the process, where the other family's would hide it.
        guard let handle = dlopen(name, RTLD_NOW | RTLD_LOCAL) else { continue }
        if let library = try? MPILibrary(handle, name), library.family == family { return library }
      }
      return nil
    }
  }

  private static var lastMessage: String { dlerror().map { String(cString: $0) } ?? "unknown reason" }

  private init(_ library: UnsafeMutableRawPointer, _ path: String) throws(MPIError) {
    func symbol<Function>(_ name: String) throws(MPIError) -> Function {
      guard let address = dlsym(library, name) else { throw .missingSymbol(path: path, symbol: name) }
      return unsafeBitCast(address, to: Function.self)
    }
    self.path = path
    if let world = dlsym(library, "ompi_mpi_comm_world") {
      family = .openMPI
      self.world = world
      byte = try symbol("ompi_mpi_byte") as Handle
    } else {
      family = .mpich
      // MPI_COMM_WORLD and MPI_BYTE of the common binary interface of MPICH.
      world = Handle(bitPattern: 0x4400_0000)
      byte = Handle(bitPattern: 0x4c00_010d)
    }
    initThread = try symbol("MPI_Init_thread")
    commRank = try symbol("MPI_Comm_rank")
    commSize = try symbol("MPI_Comm_size")
    commDup = try symbol("MPI_Comm_dup")
    iallgatherv = try symbol("MPI_Iallgatherv")
    ialltoallv = try symbol("MPI_Ialltoallv")
    ibcast = try symbol("MPI_Ibcast")
    ibarrier = try symbol("MPI_Ibarrier")
    test = try symbol("MPI_Test")
    abort = try symbol("MPI_Abort")
    finalize = try symbol("MPI_Finalize")
    let getVersion: @convention(c) (UnsafeMutablePointer<CChar>, Number) -> Int32 =
      try symbol("MPI_Get_library_version")
    // MPICH's texts have up to 8192 characters.
    var text = [CChar](repeating: 0, count: 8193)
    var length: Int32 = 0
    _ = getVersion(&text, &length)
    let all = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    version = Self.shortVersion(all)
  }

  /// The name and number in a library's own words: `Open MPI v4.1.4`, `MPICH Version: 4.0.2`.
  package static func shortVersion(_ text: String) -> String {
    let line = text.split(whereSeparator: { $0 == "\n" || $0 == "," }).first ?? ""
    return line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }
}

/// Error of an MPI library that cannot be loaded or started.
package enum MPIError: Error, CustomStringConvertible {
  /// No library is there under any of the names.
  case notFound(tried: [String], reason: String)
  /// A library lacks a function.
  case missingSymbol(path: String, symbol: String)
  /// A function of the library failed with a number.
  case failed(function: String, code: Int32)

  package var description: String {
    switch self {
    case .notFound(let tried, let reason):
      "no MPI library can be loaded (\(tried.joined(separator: ", "))): \(reason)"
    case .missingSymbol(let path, let symbol):
      "\(path) has no \(symbol); expected a library of MPI 3 or newer"
    case .failed(let function, let code): "\(function) failed with error \(code)"
    }
  }
}
