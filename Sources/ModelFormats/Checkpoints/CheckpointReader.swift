import Foundation
package import Kernels

/// The weights of a model directory: one file or shards behind an index, of safetensors or, where there are none, of
/// PyTorch (`pytorch_model.bin`, of which nothing is executed).
public final class CheckpointReader: Sendable {
  /// The directory, or the single file.
  public let path: String
  /// The names of all tensors, sorted.
  public let names: [String]
  private let files: [StoredTensors]
  private let fileOfName: [String: Int]

  /// Opens the weights in a model directory.
  ///
  /// - Throws: `FormatError`, also when the directory holds weights in a format that Potstill does not read.
  public convenience init(directory: URL) throws(FormatError) {
    let found = WeightFormat.fileNames.map { directory.appending(path: $0) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
    guard let found else { throw Self.noWeights(in: directory) }
    if found.pathExtension == "json" {
      try self.init(index: found, directory: directory)
    } else {
      try FolderLink.check(found, in: directory)
      try self.init(file: found.path)
    }
  }

  /// Opens one file of safetensors or of `torch.save`, told apart by their contents.
  public convenience init(file: String) throws(FormatError) {
    let opened = try StoredTensors(path: file)
    self.init(
      path: file, files: [opened],
      fileOfName: Dictionary(uniqueKeysWithValues: opened.tensors.map { ($0.name, 0) }))
  }

  private init(path: String, files: [StoredTensors], fileOfName: [String: Int]) {
    self.path = path
    self.files = files
    self.fileOfName = fileOfName
    names = fileOfName.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  private convenience init(index url: URL, directory: URL) throws(FormatError) {
    let document = try JSONValue(contentsOfRegularFile: url)
    guard let map = document["weight_map"]?.objectValue else {
      let found =
        document.objectValue == nil
        ? "\(document.kind) for the whole" : document["weight_map"].map(\.kind) ?? "nothing"
      throw .field(
        file: url.path, path: "weight_map", reason: "found \(found), expected an object of file names")
    }
    var files: [StoredTensors] = []
    var fileIndex: [String: Int] = [:]
    var fileOfName: [String: Int] = [:]
    for (name, value) in map {
      let field = "weight_map.\(name)"
      guard let shard = value.stringValue else {
        throw .field(file: url.path, path: field, reason: "found \(value.kind), expected a file name")
      }
      guard !shard.isEmpty, !shard.contains("/"), !shard.contains("\\"), !shard.contains("\0"), shard != "..",
        shard != "."
      else {
        throw .field(
          file: url.path, path: field,
          reason: "found \"\(shard)\", expected the plain name of a file beside the index")
      }
      if fileIndex[shard] == nil {
        let path = directory.appending(path: shard).path
        guard FileManager.default.fileExists(atPath: path) else {
          throw .field(
            file: url.path, path: field, reason: "the shard \(path) does not exist; download it again")
        }
        try FolderLink.check(directory.appending(path: shard), in: directory)
        fileIndex[shard] = files.count
        files.append(try StoredTensors(path: path))
      }
      guard let number = fileIndex[shard], files[number][name] != nil else {
        throw .tensor(
          file: url.path, name: name, reason: "the index places it in \(shard), which does not hold it")
      }
      fileOfName[name] = number
    }
    // A tensor that the index forgets counts like the others, as in `transformers`, which reads whole shards.
    var forgotten: [String: String] = [:]
    for (number, file) in files.enumerated() {
      for tensor in file.tensors where map[tensor.name] == nil {
        if let other = forgotten.updateValue(file.path, forKey: tensor.name) {
          throw .tensor(
            file: url.path, name: tensor.name,
            reason: "the index does not say whether \(other) or \(file.path) has it, and both do")
        }
        fileOfName[tensor.name] = number
      }
    }
    self.init(path: directory.path, files: files, fileOfName: fileOfName)
  }

  /// The entry of a tensor; nil when there is none of that name.
  public subscript(name: String) -> TensorInfo? { file(of: name)?[name] }

  /// The file that holds a tensor.
  package func file(of name: String) -> StoredTensors? { fileOfName[name].map { files[$0] } }

  /// The number of a tensor's values that are NaN or infinite.
  ///
  /// - Throws: `FormatError`, as `floats`.
  package func nonFiniteCount(_ name: String) throws(FormatError) -> Int {
    guard let file = file(of: name), let info = file[name] else { return 0 }
    return try file.nonFiniteCount(info, in: 0..<info.count)
  }

  /// The number of values that are NaN or infinite.
  package static func nonFiniteCount(_ values: UnsafeBufferPointer<Float>) -> Int {
    StoredTensors.nonFiniteCount(UnsafeRawBufferPointer(values), exponent: 0x7F80_0000 as UInt32)
  }

  /// A tensor's values as Float32, row-major.
  ///
  /// - Throws: `FormatError.tensor` when there is no such tensor or its type is not a float type.
  public func floats(_ name: String) throws(FormatError) -> [Float] {
    guard let file = file(of: name) else {
      throw .tensor(file: path, name: name, reason: "it is not in the checkpoint")
    }
    return try file.floats(name)
  }

  private static func noWeights(in directory: URL) -> FormatError {
    var isDirectory: ObjCBool = false
    guard FileManager.default.fileExists(atPath: directory.path, isDirectory: &isDirectory),
      isDirectory.boolValue
    else {
      return .cannotRead(
        file: directory.path, reason: "it is not a directory; expected a Hugging Face model directory")
    }
    for name in WeightFormat.fileNames {
      let path = directory.appending(path: name).path
      if let target = try? FileManager.default.destinationOfSymbolicLink(atPath: path) {
        return .cannotRead(
          file: path, reason: "it is a link to \(target), which does not exist; download the model again")
      }
    }
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    // Of the files of a TensorFlow checkpoint the index is the one to convert from.
    let indexes = entries.filter(WeightFormat.isTensorFlowIndex).sorted()
    for name in indexes + entries.sorted() {
      if let advice = WeightFormat.advice(forFileNamed: name) {
        return .cannotRead(file: directory.appending(path: name).path, reason: advice)
      }
    }
    return .cannotRead(
      file: directory.path,
      reason: "it holds neither model.safetensors nor pytorch_model.bin, nor the index of either's shards")
  }
}

extension CheckpointReader {
  /// The number of values that are NaN or infinite.
  package static func nonFiniteCount(_ values: Storage) -> Int {
    values.withUnsafeMutablePointer { nonFiniteCount(UnsafeBufferPointer(start: $0, count: values.count)) }
  }
}

// MARK: The configuration beside the weights

extension CheckpointReader {
  /// The `config.json` of a model directory.
  ///
  /// - Throws: `FormatError`; where there is none beside a TensorFlow checkpoint, as in the archives that Google
  ///   publishes, it says how to convert that.
  package static func configuration(in directory: URL) throws(FormatError) -> JSONValue {
    let url = directory.appending(path: "config.json")
    if !FileManager.default.fileExists(atPath: url.path), let advice = tensorFlowAdvice(in: directory) {
      throw .cannotRead(file: url.path, reason: advice)
    }
    if !FileManager.default.fileExists(atPath: url.path),
      FileManager.default.fileExists(atPath: directory.appending(path: "bert_config.json").path)
    {
      throw .cannotRead(
        file: url.path,
        reason:
          "there is no such file, but bert_config.json, as Google and older models name it; copy that to config.json"
      )
    }
    return try JSONValue(contentsOfRegularFile: url)
  }

  /// Advice how to convert the TensorFlow checkpoint in a directory; nil when it holds none.
  private static func tensorFlowAdvice(in directory: URL) -> String? {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: directory.path)) ?? []
    guard let index = entries.filter(WeightFormat.isTensorFlowIndex).min() else { return nil }
    let checkpoint = directory.appending(path: index).path
    let found = "there is no such file, but a TensorFlow checkpoint, \(index); "
    guard entries.contains("bert_config.json") else {
      return found + "add the config.json of its architecture, as the model's page on the Hub has it"
    }
    let config = directory.appending(path: "bert_config.json").path
    // Google's configuration has no model_type, without which AutoConfig does not know it.
    let script = """
      from transformers import BertConfig, BertForPreTraining as M; M.from_pretrained("\(checkpoint)", from_tf=True, \
      config=BertConfig.from_json_file("\(config)")).save_pretrained("\(directory.path)")
      """
    return found + "convert it once in Python (transformers before version 5, with tensorflow): " + script
  }
}

/// The format of a file of weights, by its first bytes.
enum WeightFormat {
  case safetensors
  case pytorch
  /// Another format, with what to do about it.
  case foreign(String)

  /// The names under which a model directory has its weights, the first that is there before the others.
  static let fileNames = ["model.safetensors", "pytorch_model.bin"].flatMap { [$0, $0 + ".index.json"] }

  init(_ bytes: UnsafeRawBufferPointer) {
    func starts(_ signature: [UInt8], at place: Int = 0) -> Bool {
      bytes.count >= place + signature.count
        && bytes[place..<place + signature.count].elementsEqual(signature)
    }
    if starts([0x50, 0x4B, 0x03, 0x04]) || starts([0x50, 0x4B, 0x05, 0x06]) {
      self = .pytorch
    } else if starts(Self.magicNumber, at: 2) || starts(Array("ustar".utf8), at: 257) {
      self = .foreign(
        "it was written by torch.save before PyTorch 1.6; rewrite it once in Python: import torch;"
          + " torch.save(torch.load(FILE, map_location=\"cpu\", weights_only=True), FILE)")
    } else if starts([0x80]), bytes.count > 8, (2...5).contains(bytes[1]), bytes[8] != UInt8(ascii: "{") {
      // A safetensors file may begin with the same two bytes, the length of its header.
      self = .foreign(
        "it is a pickle outside of the archive that torch.save writes; write it again with torch.save")
    } else if Self.isTextPickle(bytes) {
      self = .foreign(
        "it is a pickle of protocol 0 or 1, outside of the archive that torch.save writes; write it again with torch.save"
      )
    } else if starts([0x89, 0x48, 0x44, 0x46, 0x0D, 0x0A, 0x1A, 0x0A]) {
      self = .foreign("it is an HDF5 file of TensorFlow; " + Self.tensorFlowAdvice)
    } else if starts(Array("version https://git-lfs".utf8)) {
      self = .foreign("it is a pointer of Git LFS, not the file itself; run: git lfs pull")
    } else {
      self = .safetensors
    }
  }

  /// Whether the bytes begin as a pickle of protocol 0 or 1 does, with a mark, a global, a list or a dictionary.
  ///
  /// A safetensors file has the length of its header there, and the header's brace behind it.
  private static func isTextPickle(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 8, bytes[8] != UInt8(ascii: "{") || bytes[4..<8].contains(where: { $0 != 0 }) else {
      return false
    }
    switch bytes[0] {
    case UInt8(ascii: "("): return "dltcSVIF(}]".utf8.contains(bytes[1]) || bytes[1] == 0x58
    case UInt8(ascii: "c"):
      // "cMODULE\nNAME\n"
      return bytes.prefix(200).count { $0 == 0x0A } >= 2
        && bytes.prefix(while: { $0 != 0x0A }).dropFirst().allSatisfy { $0 > 0x20 && $0 < 0x7F }
    case UInt8(ascii: "}"), UInt8(ascii: "]"): return "q(.p".utf8.contains(bytes[1])
    default: return false
    }
  }

  /// Advice about the weights under a file name that is neither safetensors' nor PyTorch's; nil for names that mean
  /// nothing here.
  static func advice(forFileNamed name: String) -> String? {
    if name == "tf_model.h5" || isTensorFlowIndex(name) {
      return "these are TensorFlow weights; " + tensorFlowAdvice
    }
    if name.contains(".data-00000-of-") {
      return "these are TensorFlow weights without the .index file beside them; add that and "
        + tensorFlowAdvice
    }
    if name == "flax_model.msgpack" {
      return "these are Flax weights; convert them once in Python (transformers before version 5, with flax):"
        + " from transformers import AutoModelForPreTraining as M;"
        + " M.from_pretrained(DIR, from_flax=True).save_pretrained(DIR)"
    }
    return nil
  }

  /// Whether a name is that of the index of a TensorFlow checkpoint (`bert_model.ckpt.index`, `model.ckpt-1000.index`),
  /// which a conversion is given, rather than that of its data.
  static func isTensorFlowIndex(_ name: String) -> Bool { name.hasSuffix(".index") && name.contains(".ckpt") }

  private static let tensorFlowAdvice =
    "convert it once in Python (transformers before version 5, with tensorflow):"
    + " from transformers import AutoConfig, AutoModelForPreTraining as M; M.from_pretrained(FILE, from_tf=True,"
    + " config=AutoConfig.from_pretrained(DIR)).save_pretrained(DIR)"

  /// 0x1950a86a20f9469cfc6c as a pickle writes it, behind the protocol number.
  private static let magicNumber: [UInt8] = [
    0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46, 0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19,
  ]
}
