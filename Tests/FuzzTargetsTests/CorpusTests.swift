import Foundation
import FuzzTargets
import TestSupport
import Testing

/// The seeds of the fuzz targets in `Fuzz/Corpora`, and the findings among them: whatever they hold, no reader crashes.
@Suite struct CorpusTests {
  private static func files(_ target: FuzzTarget) throws -> [(name: String, bytes: [UInt8])] {
    let folder = Fixtures.directory.deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "Fuzz/Corpora/\(target.rawValue)")
    return try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted().map {
      ($0, [UInt8](try Data(contentsOf: folder.appending(path: $0))))
    }
  }

  @Test("good seeds are taken, bad ones refused, findings survived", arguments: FuzzTarget.allCases)
  func seeds(_ target: FuzzTarget) throws {
    let session = try FuzzSession(target)
    let files = try Self.files(target)
    for (name, bytes) in files {
      let fault = session.fault(of: bytes)
      if name.hasPrefix("good-") { #expect(fault == nil, "\(target) \(name)") }
      if name.hasPrefix("bad-") { #expect(fault != nil, "\(target) \(name)") }
    }
    // Otherwise the target proves nothing: a reader that refuses everything never crashes.
    #expect(files.contains { $0.name.hasPrefix("good-") } && files.contains { $0.name.hasPrefix("bad-") })
    #expect(files.allSatisfy { $0.bytes.count <= 1 << 20 })
  }

  /// A little of what `make fuzz` does, the same in every run.
  @Test("damaged seeds are survived", arguments: FuzzTarget.allCases)
  func damage(_ target: FuzzTarget) throws {
    let session = try FuzzSession(target)
    var state: UInt64 = 26
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(max(1, bound)))
    }
    let files = try Self.files(target).filter { !$0.bytes.isEmpty }
    var refused = 0
    for round in 0..<200 {
      var bytes = files[round % files.count].bytes
      let other = files[next(files.count)].bytes
      for _ in 0...next(3) {
        let place = next(bytes.count)
        switch next(5) {
        case 0: bytes[place] = UInt8(next(256))
        case 1: bytes[place] ^= 1 << UInt8(next(8))
        case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + next(8)))
        case 3: bytes.insert(contentsOf: other[next(other.count)...].prefix(1 + next(16)), at: place)
        default: bytes[place] = [0, 0x2D, 0x39, 0x7F, 0x80, 0xFF][next(6)]
        }
        if bytes.isEmpty { bytes = [0] }
      }
      if session.fault(of: bytes) != nil { refused += 1 }
    }
    #expect(refused > 0)
  }
}
