/// The only Python names that a pickle may mention; none of them is ever called, each stands for what it would make.
enum PickleGlobal: Equatable {
  case orderedDict
  /// `_rebuild_tensor_v2`, or `_rebuild_tensor_v3`, which names the element type itself.
  case rebuildTensor(namesType: Bool)
  case rebuildParameter
  /// A storage class; nil for bytes without a type.
  case storage(DType?)
  case dtype(DType)

  /// nil for every name that is not allowed.
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
