import Foundation
import ModelFormats
import Testing

@Suite struct CheckpointReaderTests {
  private func shards(_ folder: TemporaryFolder, index: String) throws {
    for (file, name, value) in [("model-1.safetensors", "a", Float(1)), ("model-2.safetensors", "b", 2)] {
      var writer = SafetensorsWriter()
      writer.add(name, shape: [1], values: [value])
      try writer.write(to: folder.url.appending(path: file))
    }
    _ = try folder.write(Array(index.utf8), "model.safetensors.index.json")
  }

  @Test func readsShards() throws {
    let folder = try TemporaryFolder()
    try shards(
      folder, index: #"{"metadata":{},"weight_map":{"b":"model-2.safetensors","a":"model-1.safetensors"}}"#)
    let reader = try CheckpointReader(directory: folder.url)
    #expect(reader.names == ["a", "b"])
    #expect(try reader.floats("a") == [1])
    #expect(try reader.floats("b") == [2])
    #expect(reader["c"] == nil)
    #expect(throws: FormatError.self) { try reader.floats("c") }
  }

  @Test(arguments: [
    (#"{"weight_map":{"a":"model-3.safetensors"}}"#, "does not exist"),
    (#"{"weight_map":{"a":"../model-1.safetensors"}}"#, "plain name"),
    (#"{"weight_map":{"a":"/etc/passwd"}}"#, "plain name"),
    (#"{"weight_map":{"a":".."}}"#, "plain name"),
    (#"{"weight_map":{"a":""}}"#, "plain name"),
    (#"{"weight_map":{"a":1}}"#, "expected a file name"),
    (#"{"weight_map":{"a":"model-2.safetensors"}}"#, "does not hold it"),
    (#"{"weight_map":[]}"#, "weight_map"),
    (#"{}"#, "weight_map"),
    (#"{"weight_map":{"a":"model-1.safetensors","a":"model-1.safetensors"}}"#, "occurs twice"),
  ])
  func faultyIndexesAreNamed(_ index: String, _ reason: String) throws {
    let folder = try TemporaryFolder()
    try shards(folder, index: index)
    do throws(FormatError) {
      _ = try CheckpointReader(directory: folder.url)
      Issue.record("accepted \(index)")
    } catch {
      #expect(error.description.contains("model.safetensors.index.json"))
      #expect(error.description.contains(reason), "\(error)")
    }
  }

  @Test func missingWeightsSayWhatToDo() throws {
    let folder = try TemporaryFolder()
    func message(_ url: URL) -> String {
      do throws(FormatError) {
        _ = try CheckpointReader(directory: url)
        return "accepted"
      } catch {
        return error.description
      }
    }
    #expect(message(folder.url).contains("neither model.safetensors nor"))
    #expect(message(folder.url.appending(path: "none")).contains("not a directory"))
    _ = try folder.write([0], "pytorch_model.bin")
    #expect(message(folder.url).contains("save_pretrained"))
  }
}
