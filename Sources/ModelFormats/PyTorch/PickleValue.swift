/// A value on a pickle's stack.
///
/// What holds other values is a place in `PickleHeap`, so that neither deep nor circular nesting in a hostile file can
/// exhaust the call stack.
enum PickleValue {
  case none
  case bool(Bool)
  case integer(Int)
  case float(Double)
  case string(String)
  case tuple(Int)
  case list(Int)
  case dictionary(Int)
  case global(PickleGlobal)
  case storage(PickledStorage)
  case tensor(Int)

  var isTensor: Bool { if case .tensor = self { true } else { false } }

  /// The kind of value in errors.
  var kind: String {
    switch self {
    case .none: "None"
    case .bool: "a truth value"
    case .integer: "an integer"
    case .float: "a float"
    case .string: "a string"
    case .tuple: "a tuple"
    case .list: "a list"
    case .dictionary: "a dictionary"
    case .global: "a class or function"
    case .storage: "a storage"
    case .tensor: "a tensor"
    }
  }
}

/// Heap of the values that hold others, and of tensors.
struct PickleHeap {
  /// Tuples and lists.
  var sequences: [[PickleValue]] = []
  /// Dictionaries, in the order in which their keys were set.
  var dictionaries: [[(key: PickleValue, value: PickleValue)]] = []
  var tensors: [PickledTensor] = []
}

/// A run of elements in an archive entry of its own.
struct PickledStorage {
  /// The element type, nil for bytes.
  let dtype: DType?
  /// The last component of the entry's name.
  let key: String
  /// The number of elements, or of bytes where there is no type.
  let count: Int
}

/// A view of a storage; nothing about it has been checked yet.
struct PickledTensor {
  let dtype: DType
  let storage: PickledStorage
  /// The first element's place in the storage, in elements.
  let offset: Int
  let shape: [Int]
  /// The distance of neighbours along each axis, in elements.
  let strides: [Int]
}

/// The only Python names that a pickle may mention; none of them is ever called, each stands for what it would make.
enum PickleGlobal: Equatable {
  case orderedDict
  /// `_rebuild_tensor_v2`, or `_rebuild_tensor_v3`, which names the element type itself.
  case rebuildTensor(namesType: Bool)
  case rebuildParameter
  /// A storage class; nil for bytes without a type.
  case storage(DType?)
  case dtype(DType)

  /// The global of a name; nil for every name that is not allowed.
  init?(module: String, name: String) {
    switch (module, name) {
    case ("collections", "OrderedDict"): self = .orderedDict
    case ("torch._utils", "_rebuild_tensor_v2"): self = .rebuildTensor(namesType: false)
    case ("torch._utils", "_rebuild_tensor_v3"): self = .rebuildTensor(namesType: true)
    case ("torch._utils", "_rebuild_parameter"): self = .rebuildParameter
    case ("torch.storage", "UntypedStorage"), ("torch", "UntypedStorage"): self = .storage(nil)
    case ("torch", _):
      if let type = Self.storages[name] {
        self = .storage(type)
      } else if let type = Self.types[name] {
        self = .dtype(type)
      } else {
        return nil
      }
    default: return nil
    }
  }

  private static let storages: [String: DType] = [
    "FloatStorage": .float32, "DoubleStorage": .float64, "HalfStorage": .float16,
    "BFloat16Storage": .bfloat16,
    "LongStorage": .int64, "IntStorage": .int32, "ShortStorage": .int16, "CharStorage": .int8,
    "ByteStorage": .uint8, "BoolStorage": .bool,
  ]

  private static let types: [String: DType] = [
    "float32": .float32, "float64": .float64, "float16": .float16, "bfloat16": .bfloat16, "int64": .int64,
    "int32": .int32, "int16": .int16, "int8": .int8, "uint8": .uint8, "bool": .bool, "uint16": .uint16,
    "uint32": .uint32, "uint64": .uint64, "float8_e4m3fn": .float8e4m3, "float8_e5m2": .float8e5m2,
  ]
}

/// The instructions of a pickle that a dictionary of tensors is made of, under the names of Python's `pickletools`.
enum PickleOpcode: UInt8 {
  case proto = 0x80
  case frame = 0x95
  case stop = 0x2E
  case mark = 0x28
  case pop = 0x30
  case popMark = 0x31
  case none = 0x4E
  case newTrue = 0x88
  case newFalse = 0x89
  case binInt = 0x4A
  case binInt1 = 0x4B
  case binInt2 = 0x4D
  case long1 = 0x8A
  case binFloat = 0x47
  case shortBinUnicode = 0x8C
  case binUnicode = 0x58
  case binUnicode8 = 0x8D
  case emptyTuple = 0x29
  case tuple = 0x74
  case tuple1 = 0x85
  case tuple2 = 0x86
  case tuple3 = 0x87
  case emptyList = 0x5D
  case append = 0x61
  case appends = 0x65
  case emptyDict = 0x7D
  case setItem = 0x73
  case setItems = 0x75
  case binGet = 0x68
  case longBinGet = 0x6A
  case binPut = 0x71
  case longBinPut = 0x72
  case memoize = 0x94
  case global = 0x63
  case stackGlobal = 0x93
  case reduce = 0x52
  case build = 0x62
  case binPersId = 0x51

  /// The name of a refused instruction in errors.
  static func name(ofRefused byte: UInt8) -> String {
    refused[byte] ?? "of byte 0x" + String(byte, radix: 16)
  }

  /// The other instructions of Python's pickles: they make objects of any class, or values that no tensor needs.
  private static let refused: [UInt8: String] = [
    0x49: "INT", 0x4C: "LONG", 0x8B: "LONG4", 0x53: "STRING", 0x54: "BINSTRING", 0x55: "SHORT_BINSTRING",
    0x42: "BINBYTES", 0x43: "SHORT_BINBYTES", 0x8E: "BINBYTES8", 0x96: "BYTEARRAY8", 0x97: "NEXT_BUFFER",
    0x98: "READONLY_BUFFER", 0x56: "UNICODE", 0x46: "FLOAT", 0x6C: "LIST", 0x64: "DICT", 0x8F: "EMPTY_SET",
    0x90: "ADDITEMS", 0x91: "FROZENSET", 0x32: "DUP", 0x67: "GET", 0x70: "PUT", 0x82: "EXT1", 0x83: "EXT2",
    0x84: "EXT4", 0x69: "INST", 0x6F: "OBJ", 0x81: "NEWOBJ", 0x92: "NEWOBJ_EX", 0x50: "PERSID",
  ]
}
