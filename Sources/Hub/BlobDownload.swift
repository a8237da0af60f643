import Foundation
import ModelFormats

/// Download of one blob, which goes on where an earlier one stopped, and is checked before the blob gets its name.
final class BlobDownload {
  private let entry: HubRepository.Entry
  private let address: String
  private let client: HubClient
  private let partial: PartialFile
  private var digests: [Digest] = []
  /// Bytes that are there.
  private var done = 0
  /// Whether some of them are from an earlier download.
  private var isResumed = false

  /// A download.
  ///
  /// - Throws: `HubError` when the file cannot be written.
  init(_ entry: HubRepository.Entry, to blob: URL, from address: String, client: HubClient) throws {
    (self.entry, self.address, self.client) = (entry, address, client)
    do throws(PartialFileError) {
      partial = try PartialFile(blob, ending: HubRepository.ending)
    } catch { throw Self.failure(error, entry.file) }
  }

  /// Downloads what is missing, checks all of it and gives the blob its name.
  ///
  /// - Parameter progress: Hears how many bytes are there.
  /// - Throws: `HubError`. What has come stays and is gone on with, unless it is known to be wrong.
  func run(progress: (Int) -> Void) throws {
    try readPresent(progress)
    var isRepeated = false
    while true {
      try fetch(progress)
      if isRight { break }
      // The part of an earlier download may have been of something else.
      guard isResumed, !isRepeated else {
        partial.discard()
        throw HubError(
          .damaged,
          "\(entry.file) of \(client.name.repository) came with another checksum than \(client.settings.host) said "
            + "(\(entry.etag)), so nothing of it was kept; try again, and look at proxies that change what they pass on"
        )
      }
      isRepeated = true
      try restart()
    }
    do throws(PartialFileError) { try partial.commit() } catch { throw Self.failure(error, entry.file) }
  }

  // MARK: Bytes

  /// Takes over what an earlier download has left.
  private func readPresent(_ progress: (Int) -> Void) throws {
    begin()
    let count = partial.byteCount
    if let size = entry.size, count > size { return try restart() }
    while done < count {
      let piece = try file { try partial.read(done, min(1 << 20, count - done)) }
      add(piece)
      progress(done)
    }
    isResumed = done > 0
  }

  /// Throws away what is there, and begins anew.
  private func restart() throws {
    try file { try partial.reset(byteCount: 0) }
    begin()
  }

  private func begin() {
    (done, isResumed) = (0, false)
    switch entry.etag.utf8.count {
    case 64: digests = [Digest(.sha256)]
    case 40:
      // git's, of which the size is a part, and that of some mirrors.
      guard let size = entry.size else { return digests = [] }
      var git = Digest(.sha1)
      git.add(Array("blob \(size)\0".utf8))
      digests = [git, Digest(.sha1)]
    default: digests = []
    }
  }

  private func add(_ piece: [UInt8]) {
    for index in digests.indices { digests[index].add(piece) }
    done += piece.count
  }

  /// Whether size and checksum are those that the hub said; a name that is no checksum says nothing.
  private var isRight: Bool {
    if let size = entry.size, done != size { return false }
    guard entry.etag.wholeMatch(of: /[0-9a-f]+/) != nil, !digests.isEmpty else { return true }
    return digests.contains { $0.text == entry.etag }
  }

  // MARK: Requests

  /// Downloads what is missing, in as many requests as it takes while each brings something.
  private func fetch(_ progress: (Int) -> Void) throws {
    var failures = 0
    while entry.size.map({ done < $0 }) ?? true {
      let before = done
      do {
        try fetchRest(progress)
        guard let size = entry.size, done < size else { return }
        throw HTTPFailure(cause: .brokenOff, text: "\(done) of \(size) bytes came")
      } catch let failure as HTTPFailure {
        failures = done > before ? 1 : failures + 1
        guard failure.isPassing, failures <= HubClient.repetitions else {
          throw HubError(failure, url: address, settings: client.settings)
        }
        Thread.sleep(forTimeInterval: client.settings.pause)
      }
    }
  }

  /// Makes one request for what is missing.
  private func fetchRest(_ progress: (Int) -> Void) throws {
    // A server that ignores the range begins anew.
    let response = try client.repeating(address, isPatient: done > 0) {
      var headers = [("Accept-Encoding", "identity")]
      if done > 0 { headers.append(("Range", "bytes=\(done)-")) }
      let response = try client.send(client.request(.get, address, headers: headers), leavesHub: true)
      if response.status == 416, done > 0 { return response }
      try client.check(response, file: entry.file)
      return response
    }
    guard (200..<300).contains(response.status) else {
      if response.status == 416 { return try restart() }
      throw HubError(
        .server,
        "\(client.settings.host) answered with status \(response.status) for \(entry.file); try again")
    }
    if done > 0, !(response.status == 206 && startsHere(response)) {
      try restart()
      // The answer begins elsewhere, so that none of it can be used.
      if response.status == 206 { return }
    }
    while true {
      let piece = try client.session.read()
      if piece.isEmpty { return }
      if let size = entry.size, done + piece.count > size {
        partial.discard()
        throw HubError(
          .damaged,
          "\(entry.file) of \(client.name.repository) is longer than the \(size) bytes that \(client.settings.host) said, so "
            + "nothing of it was kept; try again")
      }
      try file { try partial.write(piece, at: done) }
      add(piece)
      progress(done)
    }
  }

  /// Whether a part of a file is the one that was asked for.
  private func startsHere(_ response: HTTPResponse) -> Bool {
    guard let range = response.header("Content-Range") else { return true }
    return range.hasPrefix("bytes \(done)-")
  }

  // MARK: Errors

  private func file<Result>(_ body: () throws -> Result) throws -> Result {
    do { return try body() } catch let error as PartialFileError { throw Self.failure(error, entry.file) }
  }

  private static func failure(_ error: PartialFileError, _ file: String) -> HubError {
    switch error {
    case .locked, .finished:
      HubError(.disk, "another program is downloading \(file); try again when it has finished")
    case .system(let reason):
      HubError(
        .disk,
        "\(file) \(reason), in the cache of Hugging Face; make room or choose another place with HF_HOME. A download goes on "
          + "where it stopped")
    }
  }
}
