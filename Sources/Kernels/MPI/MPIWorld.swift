import Foundation

/// World of the ranks that one launcher has started: this process among them, and the movement of bytes between all.
///
/// Every function but `abort` is collective: all ranks call it, in one order. It is called by one thread at a time. A rank that
/// waits sleeps in between, so that ranks which share cores do not take them from each other. If another rank is lost, the
/// library ends this process.
package final class MPIWorld: @unchecked Sendable {
  // Sendable because one thread at a time uses it, as MPI demands.
  private let library: MPILibrary
  /// Rank of this process, from 0.
  package let rank: Int
  /// Number of ranks.
  package let size: Int
  /// Communicator of farewells, which nothing else uses.
  private let farewells: MPILibrary.Handle?

  /// Starts the library, which every rank must do.
  ///
  /// - Throws: `MPIError.failed`.
  package init(_ library: MPILibrary) throws(MPIError) {
    self.library = library
    func check(_ code: Int32, _ function: String) throws(MPIError) {
      if code != 0 { throw .failed(function: function, code: code) }
    }
    var (level, rank, size): (Int32, Int32, Int32) = (0, 0, 0)
    // One thread at a time calls: MPI_THREAD_SERIALIZED is 2 in both families.
    try check(library.initThread(nil, nil, 2, &level), "MPI_Init_thread")
    try check(library.commRank(library.world, &rank), "MPI_Comm_rank")
    try check(library.commSize(library.world, &size), "MPI_Comm_size")
    (self.rank, self.size) = (Int(rank), Int(size))
    var copy: MPILibrary.Handle?
    try check(library.commDup(library.world, &copy), "MPI_Comm_dup")
    farewells = copy
  }

  /// The bytes of every rank, in the order of the ranks; they may differ in number.
  package func gather(_ bytes: [UInt8]) -> [[UInt8]] {
    let lengths = gather(lengthOf: bytes)
    return gather(bytes: bytes, counts: lengths)
  }

  private func gather(bytes: [UInt8], each count: Int) -> [[UInt8]] {
    gather(bytes: bytes, counts: [Int32](repeating: Int32(count), count: size))
  }

  private func gather(bytes: [UInt8], counts: [Int32]) -> [[UInt8]] {
    let pieces = Pieces(counts)
    var all = [UInt8](repeating: 0, count: max(1, pieces.total))
    let count = Int32(bytes.count)
    Self.addressable(bytes).withUnsafeBytes { own in
      all.withUnsafeMutableBytes { all in
        run { request in
          library.iallgatherv(
            own.baseAddress, count, library.byte, all.baseAddress, pieces.counts, pieces.starts,
            library.byte, library.world, request)
        }
      }
    }
    return withExtendedLifetime(pieces) { pieces.ranges.map { Array(all[$0]) } }
  }

  /// The bytes of every rank, in the order of the ranks, on rank 0; nothing on the others.
  package func collect(_ bytes: [UInt8]) -> [[UInt8]] {
    let lengths = gather(lengthOf: bytes)
    let sentBytes = Self.addressable(bytes)
    var all = rank == 0 ? [bytes] : []
    // One rank after the other, so that none has to have the bytes of all in one piece.
    for source in 1..<max(1, size) {
      let isSource = source == rank
      let sent = Pieces((0..<size).map { isSource && $0 == 0 ? Int32(bytes.count) : 0 })
      let taken = Pieces((0..<size).map { rank == 0 && $0 == source ? lengths[source] : 0 })
      var part = [UInt8](repeating: 0, count: max(1, taken.total))
      sentBytes.withUnsafeBytes { own in
        part.withUnsafeMutableBytes { part in
          run {
            library.ialltoallv(
              own.baseAddress, sent.counts, sent.starts, library.byte, part.baseAddress, taken.counts,
              taken.starts, library.byte, library.world, $0)
          }
        }
      }
      withExtendedLifetime((sent, taken)) {}
      if rank == 0 { all.append(Array(part.prefix(taken.total))) }
    }
    return all
  }

  private func gather(lengthOf bytes: [UInt8]) -> [Int32] {
    precondition(
      bytes.count <= Int(Int32.max), "A rank sends at most 2^31 bytes at once, found \(bytes.count).")
    return gather(bytes: withUnsafeBytes(of: Int32(bytes.count)) { Array($0) }, each: 4)
      .map { $0.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) } }
  }

  /// Replaces bytes by those of rank 0; there must be as many on every rank.
  package func broadcast(_ bytes: inout [UInt8]) {
    bytes.withUnsafeMutableBytes { broadcast($0, from: 0) }
  }

  /// Replaces values by those of a rank; there must be as many on every rank.
  package func broadcast(_ values: Storage, from root: Int) {
    broadcast(UnsafeMutableRawBufferPointer(start: values.pointer, count: 4 * values.count), from: root)
    withExtendedLifetime(values) {}
  }

  private func broadcast(_ bytes: UnsafeMutableRawBufferPointer, from root: Int) {
    // Parts, since counts have 31 bits.
    let most = 1 << 28
    for start in stride(from: 0, to: bytes.count, by: most) {
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[start..<min(start + most, bytes.count)])
      run {
        library.ibcast(part.baseAddress, Int32(part.count), library.byte, Int32(root), library.world, $0)
      }
    }
  }

  /// Sums values over all ranks, in the order of the ranks: ((v₀ + v₁) + v₂) + …, whatever the library's own order is.
  ///
  /// Each rank adds up one range of the values and hands its sums to all: 8 (W - 1) / W bytes a value go out of each rank.
  ///
  /// - Parameter values: At most 2²⁸, as many on every rank; they become the sums.
  package func sum(_ values: Storage) {
    guard size > 1, values.count > 0 else { return }
    precondition(values.count <= 1 << 28, "At most 2^28 values are summed at once, found \(values.count).")
    let bounds = (0...size).map { values.count * $0 / size }
    let own = bounds[rank + 1] - bounds[rank]
    let received = Storage(uninitialized: max(1, own * size))
    let sent = Pieces((0..<size).map { Int32(4 * (bounds[$0 + 1] - bounds[$0])) })
    let taken = Pieces([Int32](repeating: Int32(4 * own), count: size))
    run {
      library.ialltoallv(
        values.pointer, sent.counts, sent.starts, library.byte, received.pointer, taken.counts, taken.starts,
        library.byte, library.world, $0)
    }
    let total = values.slice(bounds[rank], own)
    if own > 0 {
      total.assign(received.slice(0, own))
      for other in 1..<size { Elementwise.add(received.slice(other * own, own), to: total) }
    }
    // From elsewhere than where the sums of all go to, as MPI demands. Each rank is told by itself: Open MPI's `MPI_Iallgatherv` lets
    // the two directions of a link wait for each other, and took up to twice as long.
    received.slice(0, own).assign(total)
    let told = Pieces([Int32](repeating: Int32(4 * own), count: size), from: 0)
    run {
      library.ialltoallv(
        received.pointer, told.counts, told.starts, library.byte, values.pointer, sent.counts, sent.starts,
        library.byte, library.world, $0)
    }
    withExtendedLifetime((values, received, sent, taken, told)) {}
  }

  /// Waits until every rank is here.
  package func barrier() { run { library.ibarrier(library.world, $0) } }

  /// Waits until every rank says farewell, from wherever it is; false once the time is over.
  ///
  /// - Parameter seconds: The longest wait; nil waits as long as it takes.
  package func farewell(within seconds: Double?) -> Bool {
    var request: MPILibrary.Handle?
    guard library.ibarrier(farewells, &request) == 0 else { return false }
    let deadline = seconds.map { ContinuousClock.now + .seconds($0) }
    while !isDone(&request) {
      if let deadline, ContinuousClock.now > deadline { return false }
      usleep(2_000)
    }
    return true
  }

  /// Ends the library; every rank must have said farewell.
  package func finish() { _ = library.finalize() }

  /// Ends all ranks with an exit code.
  package func abort(_ code: Int32) -> Never {
    _ = library.abort(library.world, code)
    exit(code)
  }

  // MARK: Waiting

  /// The bytes, or one that nobody reads where there are none: the address of an empty array may be that by which Open MPI means
  /// `MPI_IN_PLACE`, 1.
  private static func addressable(_ bytes: [UInt8]) -> [UInt8] { bytes.isEmpty ? [0] : bytes }

  private func isDone(_ request: inout MPILibrary.Handle?) -> Bool {
    var flag: Int32 = 0
    _ = library.test(&request, &flag, library.noStatus)
    return flag != 0
  }

  /// Begins an exchange and waits for its end, at first without sleep.
  private func run(_ begin: (MPILibrary.Request) -> Int32) {
    var request: MPILibrary.Handle?
    let code = begin(&request)
    precondition(code == 0, "The MPI library has reported error \(code) instead of ending the process.")
    var tries = 0
    while !isDone(&request) {
      tries += 1
      if tries < 200 { continue }
      // Ever longer, up to 2 ms: a rank that writes a checkpoint lets the others wait for seconds.
      usleep(UInt32(min(2_000, 20 + tries / 4)))
    }
  }
}

/// Numbers of bytes of the ranks with the place of each, at addresses that stay while an exchange goes on.
private final class Pieces {
  let counts: UnsafeMutablePointer<Int32>
  let starts: UnsafeMutablePointer<Int32>
  private let size: Int

  /// Pieces one behind the other, or all from one place.
  init(_ counts: [Int32], from place: Int32? = nil) {
    size = counts.count
    self.counts = .allocate(capacity: size)
    starts = .allocate(capacity: size)
    var next: Int32 = 0
    for (index, count) in counts.enumerated() {
      (self.counts + index).initialize(to: count)
      (starts + index).initialize(to: place ?? next)
      next += count
    }
  }

  deinit {
    counts.deallocate()
    starts.deallocate()
  }

  var ranges: [Range<Int>] { (0..<size).map { Int(starts[$0])..<Int(starts[$0] + counts[$0]) } }

  var total: Int { ranges.last?.upperBound ?? 0 }
}
