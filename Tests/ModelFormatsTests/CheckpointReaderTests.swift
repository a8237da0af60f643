import Foundation
import ModelFormats
import TestSupport
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

  private func copy(_ fixture: String, to name: String, in folder: TemporaryFolder) throws {
    _ = try folder.write([UInt8](Data(contentsOf: Fixtures.url("formats/" + fixture))), name)
  }

  @Test func pyTorchWeightsAreReadWhereThereAreNoOthers() throws {
    let folder = try TemporaryFolder()
    try copy("module.bin", to: "pytorch_model.bin", in: folder)
    #expect(try CheckpointReader(directory: folder.url).names.contains("dense.weight"))
    try shards(folder, index: #"{"weight_map":{"a":"model-1.safetensors"}}"#)
    #expect(try CheckpointReader(directory: folder.url).names == ["a"])
  }

  @Test func readsShardsOfPyTorch() throws {
    let folder = try TemporaryFolder()
    try copy("module.bin", to: "pytorch_model-00001-of-00002.bin", in: folder)
    try copy("protocol4.bin", to: "pytorch_model-00002-of-00002.bin", in: folder)
    let index =
      #"{"weight_map":{"dense.weight":"pytorch_model-00001-of-00002.bin","#
      + #""plain":"pytorch_model-00002-of-00002.bin"}}"#
    _ = try folder.write(Array(index.utf8), "pytorch_model.bin.index.json")
    let reader = try CheckpointReader(directory: folder.url)
    // What the index does not list is read too, as in `transformers`.
    #expect(Set(reader.names).isSuperset(of: ["dense.weight", "plain", "norm.weight"]))
    #expect(try reader.floats("plain") == reader.floats("dense.weight"))
    #expect(reader["plain"]?.shape == [6, 5])
  }

  @Test(arguments: [
    ("tf_model.h5", "TensorFlow weights", "from_tf=True"),
    ("bert_model.ckpt.data-00000-of-00001", "TensorFlow weights", "from_tf=True"),
    ("model.ckpt.index", "TensorFlow weights", "from_tf=True"),
    ("model.ckpt-1000.index", "TensorFlow weights", "from_tf=True"),
    ("flax_model.msgpack", "Flax weights", "from_flax=True"),
  ])
  func otherFormatsSayHowToConvert(_ name: String, _ what: String, _ advice: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write([0], name)
    let message = message(folder.url)
    #expect(message.contains(name) && message.contains(what) && message.contains(advice), "\(message)")
  }

  /// The files in the archives that Google publishes, beside `bert_config.json`.
  private func writeGoogleFiles(_ folder: TemporaryFolder) throws {
    for name in ["data-00000-of-00001", "index", "meta"] {
      _ = try folder.write([0], "bert_model.ckpt." + name)
    }
    _ = try folder.write(Array("[PAD]\n".utf8), "vocab.txt")
  }

  @Test func tensorFlowCheckpointsAreNamedByTheirIndex() throws {
    let folder = try TemporaryFolder()
    try writeGoogleFiles(folder)
    _ = try folder.write(Array("{}".utf8), "config.json")
    let message = message(folder.url)
    #expect(message.contains("bert_model.ckpt.index: these are TensorFlow weights; convert"), "\(message)")
    #expect(!message.contains("00000"), "\(message)")
  }

  @Test func tensorFlowFoldersWithoutAConfigurationSayHowToConvert() throws {
    let folder = try TemporaryFolder()
    func fault() -> String {
      do throws(FormatError) {
        _ = try CheckpointReader.configuration(in: folder.url)
        return "accepted"
      } catch {
        return error.description
      }
    }
    // Without a checkpoint it is a missing file like any other.
    #expect(fault().contains("config.json") && !fault().contains("TensorFlow"), "\(fault())")
    try writeGoogleFiles(folder)
    #expect(fault().contains("add the config.json of its architecture"), "\(fault())")
    let config = try folder.write(Array(#"{"hidden_size": 8}"#.utf8), "bert_config.json")
    let index = folder.url.appending(path: "bert_model.ckpt.index").path
    for part in [
      "/config.json: there is no such file, but a TensorFlow checkpoint",
      "M.from_pretrained(\"\(index)\", from_tf=True, config=BertConfig.from_json_file(\"\(config)\"))",
    ] { #expect(fault().contains(part), "\(fault())") }
    _ = try folder.write(Array(#"{"hidden_size": 4}"#.utf8), "config.json")
    #expect(try CheckpointReader.configuration(in: folder.url)["hidden_size"]?.intValue == 4)
  }

  private static let signatures: [(bytes: [UInt8], what: String)] = [
    (Array("version https://git-lfs.github.com/spec/v1\n".utf8), "git lfs pull"),
    ([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A], "HDF5 file of TensorFlow"),
    ([UInt8](repeating: 0, count: 257) + Array("ustar".utf8), "before PyTorch 1.6"),
    ([0x80, 4, 0x95, 0, 0, 0, 0, 0, 0, 0, 0], "a pickle outside of the archive"),
    (
      [0x80, 2, 0, 0, 0, 0, 0, 0, 0x7B],
      "no archive of torch.save and no safetensors (the header length is 640"
    ),
    ([1, 2, 3], "no archive of torch.save and no safetensors (it has 3 bytes"),
  ]

  @Test(arguments: signatures)
  func contentsDecideWhateverTheName(_ bytes: [UInt8], _ what: String) throws {
    let folder = try TemporaryFolder()
    _ = try folder.write(bytes, "pytorch_model.bin")
    #expect(message(folder.url).contains(what), "\(message(folder.url))")
    var writer = SafetensorsWriter()
    writer.add("a", shape: [1], values: [1])
    try writer.write(to: folder.url.appending(path: "pytorch_model.bin"))
    #expect(try CheckpointReader(directory: folder.url).names == ["a"])
  }

  @Test func missingWeightsAreSaid() throws {
    let folder = try TemporaryFolder()
    #expect(message(folder.url).contains("neither model.safetensors nor pytorch_model.bin"))
    #expect(message(folder.url.appending(path: "none")).contains("not a directory"))
  }

  private func message(_ url: URL) -> String {
    do throws(FormatError) {
      _ = try CheckpointReader(directory: url)
      return "accepted"
    } catch {
      return error.description
    }
  }
}
