/// The format of a file of weights, by its first bytes.
enum WeightFormat {
  case safetensors
  case pytorch
  /// Another format, with what to do about it.
  case foreign(String)

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

  /// What to do with the weights under a file name that is neither safetensors' nor PyTorch's, nil for names that mean
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
