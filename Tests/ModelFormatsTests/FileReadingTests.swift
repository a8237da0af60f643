import Foundation
import ModelFormats
import TestSupport
import Testing

/// Files under a checkpoint's name that are something else, change while they are read, or would cost too much.
@Suite struct FileReadingTests {
  private func failure(_ path: String) -> String {
    do throws(FormatError) {
      _ = try StoredTensors(path: path)
      return ""
    } catch {
      return error.description
    }
  }

  /// A link may lead to another file of the folder, and into a Hub cache's blobs; the folder itself may be one.
  @Test func linksLeadNowhereElse() throws {
    let folder = try TemporaryFolder()
    let (model, beside) = ("model", "models-beside")
    let blobs = "models--owner--name/blobs"
    let files = FileManager.default
    for name in [model, beside, blobs, "models/blobs", "models--owner--name/blobs/deep"] {
      try files.createDirectory(at: folder.url.appending(path: name), withIntermediateDirectories: true)
      _ = try folder.write(Array("a\n".utf8), name + "/text")
    }
    let place = folder.url.appending(path: model)
    func read(_ target: String, through opened: URL? = nil) throws -> [UInt8] {
      let link = place.appending(path: "vocab.txt")
      try? files.removeItem(at: link)
      try files.createSymbolicLink(atPath: link.path, withDestinationPath: target)
      return try FileReader.contents(of: (opened ?? place).appending(path: "vocab.txt"))
    }
    let inside = [UInt8]("a\n".utf8)
    #expect(try read("text") == inside)
    #expect(try read("../model/text") == inside)
    #expect(try read("../\(blobs)/text") == inside)
    try files.createSymbolicLink(
      at: folder.url.appending(path: "same"), withDestinationURL: place)
    #expect(try read("text", through: folder.url.appending(path: "same")) == inside)
    for outside in [
      "../\(beside)/text", folder.url.appending(path: beside).path + "/text", "../models/blobs/text",
      "../\(blobs)/deep/text",
    ] {
      let error = #expect(throws: FormatError.self) { try read(outside) }
      #expect(
        error?.description.contains("vocab.txt: it is a link that leads out of the folder, to /") == true)
    }
  }

  @Test func whatIsNoFileIsRefusedAtOnce() throws {
    let folder = try TemporaryFolder()
    let pipe = folder.url.appending(path: "model.safetensors").path
    #expect(mkfifo(pipe, 0o600) == 0)
    #expect(failure(pipe).contains("it is a named pipe, expected a regular file"))
    #expect(failure(folder.url.path).contains("it is a folder, expected a regular file"))
    #expect(failure("/dev/zero").contains("it is a device, expected a regular file"))
    let config = folder.url.appending(path: "config.json")
    #expect(mkfifo(config.path, 0o600) == 0)
    let error = #expect(throws: FormatError.self) { try CheckpointReader.configuration(in: folder.url) }
    #expect(error?.description.contains("named pipe") == true)
    #expect(failure(try makeSocket(in: folder)).contains("it is a socket"))
  }

  private func makeSocket(in folder: TemporaryFolder) throws -> String {
    // A short path: addresses of sockets have at most 107 bytes.
    let path = "/tmp/potstill-\(UInt32.random(in: 0 ... .max)).socket"
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    #expect(bound == 0)
    close(descriptor)
    let place = folder.url.appending(path: "socket").path
    #expect(rename(path, place) == 0)
    return place
  }

  private static let length = 1 << 18

  /// A file of two tensors, the second of which is cut off after it was opened.
  private static func shrunken(in folder: TemporaryFolder) throws -> SafetensorsFile {
    let url = folder.url.appending(path: "model.safetensors")
    var writer = SafetensorsWriter()
    writer.add("a", shape: [length], values: [Float](repeating: 1, count: length))
    writer.add("b", shape: [length], values: [Float](repeating: 2, count: length))
    try writer.write(to: url)
    let file = try SafetensorsFile(path: url.path)
    #expect(truncate(url.path, off_t(length * 4 + (1 << 16))) == 0)
    return file
  }

  @Test func aFileThatShrinksIsAnErrorWithItsName() async {
    // In a process of its own: whatever asks takes the names of all files.
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let file = try FileReadingTests.shrunken(in: folder)
      #expect(try file.floats("a") == [Float](repeating: 1, count: FileReadingTests.length))
      let error = #expect(throws: FormatError.self) { try file.floats("b") }
      #expect(error?.description.contains("has become shorter") == true, "\(String(describing: error))")
      let b = try #require(file["b"])
      #expect(throws: FormatError.self) { try file.floatsInPlace(b) }
      #expect(MappedFile.takeRewritten().contains(file.path))
    }
  }

  /// What is mapped already and no longer there ends the process, with a message in place of SIGBUS.
  @Test func whatHasBeenCutOffIsSaidInPlaceOfABusError() async throws {
    let result = await #expect(processExitsWith: .exitCode(1), observing: [\.standardErrorContent]) {
      let folder = try TemporaryFolder()
      let path = folder.url.appending(path: "model.safetensors").path
      try Data(count: 1 << 20).write(to: URL(filePath: path))
      // Others that are mapped do not answer for it.
      let neighbours = try (0..<3).map { number in
        let other = folder.url.appending(path: "other-\(number)").path
        try Data(count: 1 << 20).write(to: URL(filePath: other))
        return try MappedFile(path: other)
      }
      let file = try MappedFile(path: path)
      guard truncate(path, 4096) == 0 else { exit(3) }
      withExtendedLifetime(neighbours) { exit(file.bytes[1 << 19] == 0 ? 4 : 5) }
    }
    let said = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
    #expect(said.contains("model.safetensors: it had 1048576 bytes when it was opened"), "\(said)")
  }

  /// A bus error anywhere else stays one.
  @Test func otherBusErrorsAreLeftAlone() async {
    await #expect(processExitsWith: .signal(SIGBUS)) {
      signal(SIGBUS, SIG_DFL)
      let folder = try TemporaryFolder()
      let paths = ["a", "b"].map { folder.url.appending(path: $0).path }
      for path in paths { try Data(count: 1 << 16).write(to: URL(filePath: path)) }
      let guarded = try MappedFile(path: paths[0])
      let descriptor = open(paths[1], O_RDONLY)
      let other = mmap(nil, 1 << 16, PROT_READ, MAP_PRIVATE, descriptor, 0)
      guard let other, other != MAP_FAILED, truncate(paths[1], 0) == 0 else { exit(3) }
      withExtendedLifetime(guarded) { exit(other.load(fromByteOffset: 0, as: UInt8.self) == 0 ? 4 : 5) }
    }
  }

  @Test func aFileWrittenOverInPlaceIsNamedOnce() async {
    // In a process of its own: whatever asks takes the names of all files.
    await #expect(processExitsWith: .success) {
      let folder = try TemporaryFolder()
      let paths = ["changed", "closed", "replaced"].map { folder.url.appending(path: $0).path }
      for path in paths { try Data(count: 64).write(to: URL(filePath: path)) }
      let changed = try MappedFile(path: paths[0])
      var closed: MappedFile? = try MappedFile(path: paths[1])
      let replaced = try MappedFile(path: paths[2])
      for path in paths.prefix(2) {
        // Another time than that of a moment ago, whatever the clock's step.
        var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
        #expect(utimes(path, &times) == 0)
      }
      try Data(count: 65).write(to: URL(filePath: paths[2]), options: .atomic)
      #expect(closed != nil)
      closed = nil
      let named = withExtendedLifetime((changed, replaced)) { MappedFile.takeRewritten() }
      #expect(named.filter { $0.hasPrefix(folder.url.path) } == paths.prefix(2).map(\.self))
      #expect(!MappedFile.takeRewritten().contains { $0.hasPrefix(folder.url.path) })
    }
  }

  /// Float16, bfloat16 and Float64 are counted as they lie; a Float64 beyond Float32 becomes infinite.
  @Test func nonFiniteValuesOfEveryTypeAreCounted() throws {
    func bytes<Number>(_ values: [Number]) -> Data { values.withUnsafeBytes { Data($0) } }
    let tensors: [(type: String, data: Data)] = [
      ("F16", bytes([0x7BFF, 0x7C00, 0xFC00, 0x7E01, 0x0000, 0x83FF] as [UInt16])),
      ("BF16", bytes([0x7F7F, 0x7F80, 0xFF80, 0x7FC1, 0x0000, 0x807F] as [UInt16])),
      (
        "F32",
        bytes([Float.greatestFiniteMagnitude, .infinity, -.infinity, .nan, 0, -.leastNonzeroMagnitude])
      ),
      ("F64", bytes([Double(Float.greatestFiniteMagnitude), .infinity, -1e300, .nan, 0, 1e-300])),
    ]
    var (header, start) = ("", 0)
    for (type, data) in tensors {
      header +=
        "\(header.isEmpty ? "{" : ",")\"\(type)\":{\"dtype\":\"\(type)\",\"shape\":[6],"
        + "\"data_offsets\":[\(start),\(start + data.count)]}"
      start += data.count
    }
    header += "}"
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "model.safetensors")
    let file =
      bytes([UInt64(header.utf8.count)]) + Data(header.utf8) + tensors.reduce(Data()) { $0 + $1.data }
    try file.write(to: url)
    let reader = try CheckpointReader(directory: folder.url)
    for (type, _) in tensors { #expect(try reader.nonFiniteCount(type) == 3, "\(type)") }
  }

  @Test func aTensorThatTheIndexForgetsIsReadAsByTransformers() throws {
    let folder = try TemporaryFolder()
    for (name, tensors) in [("1", ["a", "b"]), ("2", ["c"])] {
      var writer = SafetensorsWriter()
      for tensor in tensors { writer.add(tensor, shape: [1], values: [7]) }
      try writer.write(to: folder.url.appending(path: "model-\(name).safetensors"))
    }
    let index: JSONValue = ["weight_map": ["a": "model-1.safetensors", "c": "model-2.safetensors"]]
    try index.write(to: folder.url.appending(path: "model.safetensors.index.json"))
    let reader = try CheckpointReader(directory: folder.url)
    #expect(reader.names == ["a", "b", "c"])
    #expect(try reader.floats("b") == [7])
    var writer = SafetensorsWriter()
    for tensor in ["b", "c"] { writer.add(tensor, shape: [1], values: [8]) }
    try writer.write(to: folder.url.appending(path: "model-2.safetensors"))
    let error = #expect(throws: FormatError.self) { try CheckpointReader(directory: folder.url) }
    #expect(error?.description.contains("tensor \"b\": the index does not say") == true)
  }

  @Test func configurationsUnderGooglesNameAreHintedAt() throws {
    let folder = try TemporaryFolder()
    try JSONValue.object(JSONObject()).write(to: folder.url.appending(path: "bert_config.json"))
    let error = #expect(throws: FormatError.self) { try CheckpointReader.configuration(in: folder.url) }
    #expect(error?.description.contains("there is no such file, but bert_config.json") == true)
  }

  private func header(_ text: String) -> [UInt8] {
    withUnsafeBytes(of: UInt64(text.utf8.count).littleEndian, Array.init) + Array(text.utf8)
  }

  @Test func headersAreRefusedBeforeTheyTakeMemory() throws {
    let folder = try TemporaryFolder()
    for (text, reason) in [
      (#"{"a":["# + String(repeating: "[],", count: 1 << 20) + "[]]}", "elements"),
      (#"{"a":{"shape":["# + String(repeating: "0,", count: 1 << 20) + "0]}}", "more than 64 elements"),
      (#"{"a":{"shape":[[[]]]}}"#, "deeper than 3"),
      (
        "{" + String(repeating: #""a":0,"#, count: 1 << 20) + #""b":0}"#,
        #"tensor "a": its entry is an integer"#
      ),
    ] {
      let path = try folder.write(header(text), "model.safetensors")
      let failure = failure(path)
      #expect(failure.contains(reason) && failure.utf8.count < 1000, "\(failure)")
    }
  }

  @Test func namesDoNotReachTheTerminalRaw() throws {
    let folder = try TemporaryFolder()
    let name = "a\\u001b[31m\\u0007" + String(repeating: "b", count: 100_000)
    let path = try folder.write(header(#"{"\#(name)":{"dtype":"F33"}}"#), "model.safetensors")
    let failure = failure(path)
    #expect(!failure.contains("\u{1B}") && !failure.contains("\u{7}") && failure.utf8.count < 1000)
    #expect(failure.contains(#"a\u001b[31m\u0007bbb"#), "\(failure)")
    #expect(printable("é 字 🤝🏽 plain") == "é 字 🤝🏽 plain")
    #expect(printable("a\u{202E}b\u{85}") == "a\\u202eb\\u0085")
  }

  @Test func picklesOutsideOfAnArchiveAreNamed() throws {
    let folder = try TemporaryFolder()
    for text in [
      "cposix\nsystem\np0\n(S'true'\np1\ntp2\nRp3\n.", "(dp0\nS'a'\np1\nI1\ns.", "(lp0\nI1\na.",
      "ccollections\nOrderedDict\np0\n(tRp1\n.",
    ] {
      let path = try folder.write(Array(text.utf8), "pytorch_model.bin")
      #expect(failure(path).contains("a pickle of protocol 0 or 1"), "\(text): \(failure(path))")
    }
  }
}
