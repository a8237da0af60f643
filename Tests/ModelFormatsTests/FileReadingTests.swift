import Foundation
import ModelFormats
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

  @Test func aFileThatShrinksIsAnErrorAndWhatWasReadStays() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "model.safetensors")
    var writer = SafetensorsWriter()
    let count = 1 << 18
    writer.add("a", shape: [count], values: [Float](repeating: 1, count: count))
    writer.add("b", shape: [count], values: [Float](repeating: 2, count: count))
    try writer.write(to: url)
    let file = try SafetensorsFile(path: url.path)
    let (a, b) = (try #require(file["a"]), try #require(file["b"]))
    let place = try file.floatsInPlace(a)
    let first = try #require(place)
    #expect(truncate(url.path, 512) == 0)
    #expect(first[count - 1] == 1)
    let error = #expect(throws: FormatError.self) { try file.floats("b") }
    #expect(error?.description.contains("has become shorter") == true, "\(String(describing: error))")
    #expect(throws: FormatError.self) { try file.floatsInPlace(b) }
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
