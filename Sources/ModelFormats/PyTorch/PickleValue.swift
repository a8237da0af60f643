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

  /// What errors call a value of this kind.
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

/// What holds other values, and tensors.
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
