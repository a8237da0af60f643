/// Reader of a pickle of tensors, without executing anything.
///
/// A pickle is a program for a stack machine whose instructions may call any Python function. This machine has only the
/// instructions of `PickleOpcode` and knows only the names of `PickleGlobal`; the first other one ends the reading.
/// Format: https://docs.python.org/3/library/pickletools.html, protocols 2 to 5.
struct PickleReader {
  /// The largest size, more than the pickle of 50,000 tensors.
  static let sizeLimit = 16 << 20
  /// The most instructions, more than those for 50,000 tensors; each takes a bounded time and memory.
  private static let instructionLimit = 2_000_000
  private static let tensorLimit = 50_000

  private(set) var heap = PickleHeap()
  private let file: String
  private var cursor: ByteCursor
  private var stack: [PickleValue] = []
  private var marks: [Int] = []
  private var memo: [UInt32: PickleValue] = [:]
  /// The start of the instruction being carried out.
  private var place = 0

  private init(_ bytes: UnsafeRawBufferPointer, file: String) {
    cursor = ByteCursor(bytes)
    self.file = file
  }

  /// The value a pickle describes and the heap its parts lie in.
  ///
  /// - Parameter file: The file to name in errors.
  static func read(
    _ bytes: UnsafeRawBufferPointer, file: String
  ) throws(FormatError) -> (value: PickleValue, heap: PickleHeap) {
    var reader = PickleReader(bytes, file: file)
    let value = try reader.run()
    return (value, reader.heap)
  }

  private mutating func run() throws(FormatError) -> PickleValue {
    guard let first: UInt8 = cursor.integer(), first == PickleOpcode.proto.rawValue else {
      throw fault("it does not start with a protocol number, as every pickle of torch.save does")
    }
    let version = try operand(cursor.integer(UInt8.self))
    guard (2...5).contains(version) else { throw fault("found pickle protocol \(version), expected 2 to 5") }
    for _ in 0..<Self.instructionLimit {
      place = cursor.position
      let byte = try operand(cursor.integer(UInt8.self))
      guard let opcode = PickleOpcode(rawValue: byte), opcode != .proto else {
        throw refusal("the instruction \(PickleOpcode.name(ofRefused: byte))")
      }
      if opcode == .stop { return try pop() }
      try execute(opcode)
    }
    throw fault("it has more than \(Self.instructionLimit) instructions: it holds more than tensors")
  }

  private mutating func execute(_ opcode: PickleOpcode) throws(FormatError) {
    switch opcode {
    case .proto, .stop: break  // `run()` has dealt with them
    case .frame: _ = try operand(cursor.take(8))
    case .mark: marks.append(stack.count)
    case .pop: _ = try pop()
    case .popMark: _ = try popToMark()
    case .none: stack.append(.none)
    case .newTrue: stack.append(.bool(true))
    case .newFalse: stack.append(.bool(false))
    case .binInt: stack.append(.integer(Int(try operand(cursor.integer(Int32.self)))))
    case .binInt1: stack.append(.integer(Int(try operand(cursor.integer(UInt8.self)))))
    case .binInt2: stack.append(.integer(Int(try operand(cursor.integer(UInt16.self)))))
    case .long1: stack.append(.integer(try long()))
    case .binFloat:
      let bits = UInt64(bigEndian: UInt64(littleEndian: try operand(cursor.integer(UInt64.self))))
      stack.append(.float(Double(bitPattern: bits)))
    case .shortBinUnicode: try string(cursor.size(UInt8.self))
    case .binUnicode: try string(cursor.size(UInt32.self))
    case .binUnicode8: try string(cursor.size(UInt64.self))
    case .emptyTuple: tuple([])
    case .tuple: tuple(try popToMark())
    case .tuple1: tuple(try pop(1))
    case .tuple2: tuple(try pop(2))
    case .tuple3: tuple(try pop(3))
    case .emptyList:
      heap.sequences.append([])
      stack.append(.list(heap.sequences.count - 1))
    case .append: try append(try pop(1))
    case .appends: try append(try popToMark())
    case .emptyDict: emptyDictionary()
    case .setItem: try setItems(try pop(2))
    case .setItems: try setItems(try popToMark())
    case .binGet: try get(cursor.integer(UInt8.self).map(UInt32.init))
    case .longBinGet: try get(cursor.integer(UInt32.self))
    case .binPut: try put(cursor.integer(UInt8.self).map(UInt32.init))
    case .longBinPut: try put(cursor.integer(UInt32.self))
    case .memoize: try put(UInt32(memo.count))
    case .global:
      let (module, name) = (try operand(cursor.line()), try operand(cursor.line()))
      try global(module, name)
    case .stackGlobal:
      let names = try pop(2)
      guard case .string(let module) = names[0], case .string(let name) = names[1] else {
        throw fault("STACK_GLOBAL needs two strings, found \(names[0].kind) and \(names[1].kind)")
      }
      try global(module, name)
    case .reduce: try reduce()
    case .build: try build()
    case .binPersId: try storage()
    }
  }

  // MARK: The stack

  private mutating func pop() throws(FormatError) -> PickleValue {
    guard stack.count > (marks.last ?? 0), let value = stack.popLast() else {
      throw fault("the stack is empty where a value is needed")
    }
    return value
  }

  private mutating func pop(_ count: Int) throws(FormatError) -> [PickleValue] {
    guard stack.count - (marks.last ?? 0) >= count else {
      throw fault("the stack is empty where \(count) values are needed")
    }
    defer { stack.removeLast(count) }
    return Array(stack.suffix(count))
  }

  private mutating func popToMark() throws(FormatError) -> [PickleValue] {
    guard let mark = marks.popLast() else { throw fault("there is no mark on the stack") }
    defer { stack.removeSubrange(mark...) }
    return Array(stack[mark...])
  }

  private mutating func get(_ index: UInt32?) throws(FormatError) {
    guard let value = memo[try operand(index)] else {
      throw fault("nothing was remembered under this number")
    }
    stack.append(value)
  }

  private mutating func put(_ index: UInt32?) throws(FormatError) {
    guard stack.count > (marks.last ?? 0), let value = stack.last else {
      throw fault("the stack is empty where a value is needed")
    }
    memo[try operand(index)] = value
  }

  // MARK: Plain values

  private mutating func string(_ count: Int?) throws(FormatError) {
    stack.append(.string(try operand(cursor.text(try operand(count)))))
  }

  private mutating func long() throws(FormatError) -> Int {
    let bytes = try operand(cursor.take(Int(try operand(cursor.integer(UInt8.self)))))
    guard bytes.count <= 8 else { throw fault("an integer has \(bytes.count) bytes, expected at most 8") }
    let negative = bytes.last.map { $0 >= 0x80 } ?? false
    var bits: UInt64 = negative ? .max : 0
    for byte in bytes.reversed() { bits = bits << 8 | UInt64(byte) }
    return Int(Int64(bitPattern: bits))
  }

  private mutating func tuple(_ values: [PickleValue]) {
    heap.sequences.append(values)
    stack.append(.tuple(heap.sequences.count - 1))
  }

  private mutating func append(_ values: [PickleValue]) throws(FormatError) {
    let target = try pop()
    guard case .list(let index) = target else { throw fault("found \(target.kind), expected a list") }
    heap.sequences[index] += values
    stack.append(target)
  }

  private mutating func emptyDictionary() {
    heap.dictionaries.append([])
    stack.append(.dictionary(heap.dictionaries.count - 1))
  }

  private mutating func setItems(_ values: [PickleValue]) throws(FormatError) {
    let target = try pop()
    guard case .dictionary(let index) = target else {
      throw fault("found \(target.kind), expected a dictionary")
    }
    guard values.count % 2 == 0 else { throw fault("a key has no value") }
    for key in stride(from: 0, to: values.count, by: 2) {
      heap.dictionaries[index].append((values[key], values[key + 1]))
    }
    stack.append(target)
  }

  // MARK: Errors

  /// The operand that an instruction reads behind itself.
  private func operand<T>(_ value: T?) throws(FormatError) -> T {
    guard let value else { throw fault("it ends in the middle of an instruction or holds invalid text") }
    return value
  }

  private func fault(_ reason: String) -> FormatError {
    .pytorch(file: file, reason: "data.pkl, byte \(place): \(reason)")
  }

  private func refusal(_ what: String) -> FormatError {
    fault(
      "\(what) is refused: a pickle can run any program, so only what a dictionary of tensors needs is read."
        + " If you trust the file, load it in Python and write model.state_dict() with torch.save")
  }
}

// MARK: - Objects

extension PickleReader {
  private mutating func global(_ module: String, _ name: String) throws(FormatError) {
    guard let known = PickleGlobal(module: module, name: name) else {
      throw refusal("the global \(module).\(name)")
    }
    stack.append(.global(known))
  }

  /// `BUILD` sets an object's attributes: a state dict's `_metadata`, which says nothing about its tensors.
  private mutating func build() throws(FormatError) {
    _ = try pop()
    let object = try pop()
    guard case .dictionary = object else { throw refusal("BUILD of \(object.kind)") }
    stack.append(object)
  }

  private mutating func reduce() throws(FormatError) {
    let call = try pop(2)
    guard case .global(let function) = call[0], case .tuple(let index) = call[1] else {
      throw refusal("REDUCE of \(call[0].kind) with \(call[1].kind)")
    }
    let arguments = heap.sequences[index]
    switch function {
    case .orderedDict where arguments.isEmpty: emptyDictionary()
    case .rebuildTensor(let namesType) where arguments.count >= (namesType ? 7 : 6):
      guard heap.tensors.count < Self.tensorLimit else {
        throw fault(
          "it makes more than \(Self.tensorLimit) tensors, more than any model that can be read here")
      }
      heap.tensors.append(try tensor(arguments, namesType: namesType))
      stack.append(.tensor(heap.tensors.count - 1))
    case .rebuildParameter where arguments.count == 3:
      guard case .tensor = arguments[0] else { throw fault("a parameter is made of \(arguments[0].kind)") }
      stack.append(arguments[0])
    case .orderedDict, .rebuildTensor, .rebuildParameter, .storage, .dtype:
      throw refusal("REDUCE of this function with \(arguments.count) arguments")
    }
  }

  private func tensor(_ arguments: [PickleValue], namesType: Bool) throws(FormatError) -> PickledTensor {
    guard case .storage(let storage) = arguments[0], case .integer(let offset) = arguments[1] else {
      throw fault(
        "a tensor is made of \(arguments[0].kind) and \(arguments[1].kind), expected a storage and its offset"
      )
    }
    var type = storage.dtype
    if namesType, case .global(.dtype(let named)) = arguments[6] { type = named }
    guard let type else { throw fault("a tensor has no element type") }
    return PickledTensor(
      dtype: type, storage: storage, offset: offset, shape: try integers(arguments[2]),
      strides: try integers(arguments[3]))
  }

  /// The most axes that PyTorch gives a tensor.
  private static let maximumRank = 64

  private func integers(_ value: PickleValue) throws(FormatError) -> [Int] {
    guard case .tuple(let index) = value else { throw fault("a tensor's shape is \(value.kind)") }
    let elements = heap.sequences[index]
    // Each tensor keeps a copy of a tuple that a small file can share among many.
    guard elements.count <= Self.maximumRank else {
      throw fault(
        "a tensor has \(elements.count) axes or strides, expected at most the \(Self.maximumRank) of PyTorch")
    }
    var result: [Int] = []
    for element in elements {
      guard case .integer(let integer) = element else {
        throw fault("a tensor's shape holds \(element.kind)")
      }
      result.append(integer)
    }
    return result
  }

  /// `BINPERSID` stands for a storage: ("storage", class, key, location, number of elements).
  private mutating func storage() throws(FormatError) {
    let value = try pop()
    guard case .tuple(let index) = value, heap.sequences[index].count == 5,
      case .string("storage") = heap.sequences[index][0],
      case .global(.storage(let type)) = heap.sequences[index][1],
      case .string(let key) = heap.sequences[index][2],
      case .integer(let count) = heap.sequences[index][4], count >= 0
    else {
      throw fault("a persistent id is not that of a storage, (\"storage\", class, key, location, count)")
    }
    stack.append(.storage(PickledStorage(dtype: type, key: key, count: count)))
  }
}
