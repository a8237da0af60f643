import Foundation
import ModelFormats
import TestSupport
import Testing

/// Files and folders that are whole once they have their name.
@Suite struct WrittenFilesTests {
  private struct Crash: Error {}

  private let folder: TemporaryFolder
  private var target: URL { folder.url.appending(path: "target") }
  private var names: [String] {
    get throws { try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() }
  }

  init() throws { folder = try TemporaryFolder() }

  private func write(_ text: String, _ url: URL) throws { try AtomicFile.write(Array(text.utf8), to: url) }

  private func text(_ url: URL) throws -> String { try String(contentsOf: url, encoding: .utf8) }

  @Test func aFolderTakesThePlaceOfTheOneBefore() throws {
    for text in ["old", "new"] {
      try AtomicFolder.write(target) { inner in
        #expect(
          inner.lastPathComponent.hasPrefix(".target.") && TemporaryName.isTemporary(inner.lastPathComponent))
        try write(text, inner.appending(path: text))
      }
    }
    #expect(try names == ["target"])
    #expect(try text(target.appending(path: "new")) == "new")
    #expect(!FileManager.default.fileExists(atPath: target.appending(path: "old").path))
    #expect(throws: Crash.self) { try AtomicFolder.write(target) { _ in throw Crash() } }
    #expect(try names == ["target"] && text(target.appending(path: "new")) == "new")
  }

  @Test func filesGetTheirNamesTogether() throws {
    try write("kept", folder.url.appending(path: "c"))
    try write("old", folder.url.appending(path: "a"))
    #expect(throws: Crash.self) {
      try AtomicFolder.addFiles(to: folder.url, as: "words") { aside in
        try write("half", aside.appending(path: "a"))
        throw Crash()
      }
    }
    #expect(try names == ["a", "c"] && text(folder.url.appending(path: "a")) == "old")
    try AtomicFolder.addFiles(to: folder.url, as: "words") { aside in
      #expect(TemporaryName.isTemporary(aside.lastPathComponent))
      for name in ["a", "b"] { try write("new", aside.appending(path: name)) }
    }
    #expect(try names == ["a", "b", "c"])
    #expect(try ["a", "b", "c"].map { try text(folder.url.appending(path: $0)) } == ["new", "new", "kept"])
    try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
    let error = #expect(throws: FormatError.self) {
      try AtomicFolder.addFiles(to: folder.url, as: "words") { try write("", $0.appending(path: "target")) }
    }
    #expect(error?.description == "cannot write \(target.path): Is a directory")
  }

  @Test func numbersAreLittleEndian() throws {
    let file = try AtomicFile(target)
    try file.write(numbers: [1, -2] as [Int32])
    try file.write(numbers: [0x0102_0304_0506_0708] as [UInt64])
    try file.commit()
    #expect(
      try Data(contentsOf: target)
        == Data([1, 0, 0, 0, 0xFE, 0xFF, 0xFF, 0xFF, 8, 7, 6, 5, 4, 3, 2, 1]))
  }

  @Test func bytesGoToAnOpenDescriptor() throws {
    let pipe = Pipe()
    #expect(ByteSink(descriptor: pipe.fileHandleForWriting.fileDescriptor).write([1, 2, 3]) == 0)
    try pipe.fileHandleForWriting.close()
    #expect(try pipe.fileHandleForReading.readToEnd() == Data([1, 2, 3]))
    #expect(ByteSink(descriptor: -1).write([1]) == EBADF)
    #expect(ByteSink(descriptor: -1).write([]) == 0)
  }

  @Test func partsStayWhereAWriterHasEnded() throws {
    do {
      let file = try PartialFile(target)
      try file.reset(byteCount: 8)
      try file.write([1, 2, 3], at: 2)
      #expect(throws: PartialFileError.locked) { try PartialFile(target) }
    }
    #expect(try names == ["target.partial"])
    let file = try PartialFile(target)
    #expect(try file.read(0, 10) == [0, 0, 1, 2, 3, 0, 0, 0, 0, 0])
    try file.write([9], at: 7)
    try file.commit()
    #expect(try names == ["target"])
    #expect(try Data(contentsOf: target) == Data([0, 0, 1, 2, 3, 0, 0, 9]))
    let next = try PartialFile(target)
    try next.write([1, 2, 3], at: 0)
    try next.reset(byteCount: 2)
    try next.commit()
    #expect(try Data(contentsOf: target) == Data([0, 0]))
  }
}
