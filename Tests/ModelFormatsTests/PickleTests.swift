import Foundation
import ModelFormats
import TestSupport
import Testing

/// Pickles written instruction by instruction.
@Suite struct PickleTests {
  /// The beginning of every pickle.
  private static let start: [UInt8] = [0x80, 2]

  private static func text(_ string: String) -> [UInt8] {
    [0x8C, UInt8(string.utf8.count)] + Array(string.utf8)
  }

  private static func global(_ module: String, _ name: String) -> [UInt8] {
    Array("c\(module)\n\(name)\n".utf8)
  }

  /// ("storage", FloatStorage, key, "cpu", count) as a persistent id.
  private static func storage(key: String = "0", count: UInt8 = 1) -> [UInt8] {
    [0x28] + text("storage") + global("torch", "FloatStorage") + text(key) + text("cpu")
      + [0x4B, count, 0x74, 0x51]
  }

  /// `_rebuild_tensor_v2(storage, offset, (size,), (stride,), False, OrderedDict())`; numbers below 128.
  private static func tensor(
    _ storage: [UInt8] = storage(), offset: Int8 = 0, size: [Int8] = [1], strides: [Int8] = [1]
  ) -> [UInt8] {
    func long(_ value: Int8) -> [UInt8] { [0x8A, 1, UInt8(bitPattern: value)] }
    func tuple(_ values: [Int8]) -> [UInt8] { [0x28] + values.flatMap(long) + [0x74] }
    return global("torch._utils", "_rebuild_tensor_v2") + [0x28] + storage + long(offset) + tuple(size)
      + tuple(strides) + [0x89] + global("collections", "OrderedDict") + [0x29, 0x52, 0x74, 0x52]
  }

  /// A dictionary with one entry "x".
  private static func dictionary(_ value: [UInt8]) -> [UInt8] {
    start + [0x7D] + text("x") + value + [0x73, 0x2E]
  }

  private func open(_ bytes: [UInt8]) throws -> StoredTensors {
    let folder = try TemporaryFolder()
    return try StoredTensors(path: folder.write(bytes, "pytorch_model.bin"))
  }

  private func expectFault(_ bytes: [UInt8], _ reason: String) throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, "pytorch_model.bin")
    do throws(FormatError) {
      _ = try StoredTensors(path: path)
      Issue.record("accepted what should say: \(reason)")
    } catch {
      #expect(error.description.contains(path))
      #expect(error.description.contains(reason), "\(error)")
    }
  }

  @Test func theSmallestDictionaryIsRead() throws {
    let file = try open(StoredZip.pickle(Self.dictionary(Self.tensor())))
    #expect(try file.floats("x") == [1])
    let scalar = try open(StoredZip.pickle(Self.dictionary(Self.tensor(size: [], strides: []))))
    #expect(scalar["x"]?.shape == [] && scalar["x"]?.count == 1)
    // The same float with its bytes the other way round: 0x0000803f, a subnormal number.
    let other = try open(StoredZip.pickle(Self.dictionary(Self.tensor()), byteOrder: "big"))
    #expect(try other.floats("x") == [Float(bitPattern: 0x0000_803F)])
    #expect(try open(StoredZip.pickle(Self.start + [0x7D, 0x2E])).tensors.isEmpty)
  }

  @Test(arguments: [
    (0x81, "NEWOBJ"), (0x92, "NEWOBJ_EX"), (0x69, "INST"), (0x6F, "OBJ"), (0x82, "EXT1"), (0x83, "EXT2"),
    (0x84, "EXT4"), (0x50, "PERSID"), (0x49, "INT"), (0x4C, "LONG"), (0x8B, "LONG4"), (0x53, "STRING"),
    (0x54, "BINSTRING"), (0x55, "SHORT_BINSTRING"), (0x42, "BINBYTES"), (0x43, "SHORT_BINBYTES"),
    (0x8E, "BINBYTES8"), (0x96, "BYTEARRAY8"), (0x97, "NEXT_BUFFER"), (0x98, "READONLY_BUFFER"),
    (0x56, "UNICODE"), (0x46, "FLOAT"), (0x6C, "LIST"), (0x64, "DICT"), (0x8F, "EMPTY_SET"),
    (0x90, "ADDITEMS"), (0x91, "FROZENSET"), (0x32, "DUP"), (0x67, "GET"), (0x70, "PUT"),
    (0xFF, "of byte 0xff"), (0x80, "of byte 0x80"),
  ])
  func otherInstructionsAreRefusedByName(_ opcode: UInt8, _ name: String) throws {
    try expectFault(
      StoredZip.pickle(Self.start + [0x7D, opcode, 0x2E]),
      "data.pkl, byte 3: the instruction \(name) is refused")
  }

  @Test(arguments: [
    ("os", "system"), ("builtins", "eval"), ("torch", "load"), ("torch._utils", "_rebuild_qtensor"),
    ("collections", "defaultdict"), ("torch", "QInt8Storage"), ("numpy.core.multiarray", "_reconstruct"),
  ])
  func otherGlobalsAreRefusedByName(_ module: String, _ name: String) throws {
    let reason = "byte 2: the global \(module).\(name) is refused"
    try expectFault(StoredZip.pickle(Self.start + Self.global(module, name) + [0x2E]), reason)
    let stacked = Self.text(module) + Self.text(name)
    try expectFault(
      StoredZip.pickle(Self.start + stacked + [0x93, 0x2E]),
      "byte \(2 + stacked.count): the global \(module).\(name) is refused")
  }

  @Test func callsAreOnlyThoseOfTensors() throws {
    let dict = Self.global("collections", "OrderedDict")
    let refusals: [([UInt8], String)] = [
      (dict + [0x4B, 1, 0x85, 0x52], "REDUCE of this function with 1 arguments"),
      (Self.text("os.system") + [0x29, 0x52], "REDUCE of a string"),
      (dict + [0x5D, 0x52], "with a list"),
      (Self.global("torch", "FloatStorage") + [0x29, 0x52], "REDUCE of this function"),
      (Self.global("torch._utils", "_rebuild_parameter") + [0x4E, 0x88, 0x7D, 0x87, 0x52], "made of None"),
      ([0x5D, 0x7D, 0x62], "BUILD of a list"),
      ([0x7D, 0x7D, 0x62, 0x62], "stack is empty"),
      (Self.text("storage") + [0x51], "not that of a storage"),
      ([0x28] + Self.text("module") + [0x4E, 0x4E, 0x4E, 0x4B, 1, 0x74, 0x51], "not that of a storage"),
      (Self.tensor([0x4B, 1]), "made of an integer"),
    ]
    for (pickle, reason) in refusals {
      try expectFault(StoredZip.pickle(Self.start + pickle + [0x2E]), reason)
    }
  }

  @Test func damagedProgramsAreNamed() throws {
    let faults: [([UInt8], String)] = [
      ([], "protocol number"), ([0x7D, 0x2E], "protocol number"), ([0x80], "middle of an instruction"),
      ([0x80, 1, 0x2E], "found pickle protocol 1"), ([0x80, 6, 0x2E], "found pickle protocol 6"),
      (Self.start, "middle of an instruction"), (Self.start + [0x2E], "stack is empty"),
      (Self.start + [0x4B], "middle of an instruction"), (Self.start + [0x74], "no mark"),
      (Self.start + [0x4E, 0x28, 0x85], "stack is empty"), (Self.start + [0x68, 0], "remembered"),
      (Self.start + [0x71, 0], "stack is empty"), (Self.start + [0x7D, 0x4E, 0x61], "expected a list"),
      (Self.start + [0x5D, 0x4E, 0x4E, 0x73], "expected a dictionary"),
      (Self.start + [0x7D, 0x28, 0x4E, 0x75], "has no value"),
      (Self.start + [0x8C, 200, 65], "middle of an instruction"),
      (Self.start + [0x8C, 1, 0xFF], "invalid text"),
      (Self.start + [0x8D] + [UInt8](repeating: 0xFF, count: 8), "middle of an instruction"),
      (Self.start + [0x58, 0xFF, 0xFF, 0xFF, 0xFF], "middle of an instruction"),
      (Self.start + [0x8A, 9] + [UInt8](repeating: 1, count: 9), "has 9 bytes"),
      (Self.start + Array("cos\nsystem".utf8), "middle of an instruction"),
      (Self.start + [0x4E, 0x2E], "it holds None"),
    ]
    for (pickle, reason) in faults { try expectFault(StoredZip.pickle(pickle), reason) }
  }

  @Test func tensorsStayInsideTheirStorage() throws {
    let faults: [([UInt8], String)] = [
      (Self.tensor(offset: 1), "elements 1..<2 of its storage are needed, which has 1"),
      (Self.tensor(size: [2]), "elements 0..<2"),
      (Self.tensor(offset: -1), "describes no tensor"), (Self.tensor(size: [-1]), "describes no tensor"),
      (Self.tensor(strides: [-1]), "describes no tensor"), (Self.tensor(strides: []), "describes no tensor"),
      (Self.tensor(size: [100], strides: [0]), "repeats elements"),
      // 100^12 elements overflow 64 bits, hidden behind an empty axis or not.
      (
        Self.tensor(size: .init(repeating: 100, count: 12), strides: .init(repeating: 0, count: 12)),
        "no tensor"
      ),
      (
        Self.tensor(size: .init(repeating: 100, count: 12) + [0], strides: .init(repeating: 0, count: 13)),
        "no tensor"
      ),
      // A tuple of a small file that many tensors share.
      (Self.tensor(size: .init(repeating: 1, count: 65)), "has 65 axes or strides, expected at most the 64"),
      (Self.tensor(strides: .init(repeating: 1, count: 65)), "has 65 axes or strides"),
      (Self.tensor(Self.storage(key: "7")), "no entry data/7"),
      (Self.tensor(Self.storage(count: 2)), "has 4 bytes, but 8 by the pickle"),
    ]
    for (tensor, reason) in faults { try expectFault(StoredZip.pickle(Self.dictionary(tensor)), reason) }
    let axes = [Int8](repeating: 1, count: 64)
    let deepest = try open(StoredZip.pickle(Self.dictionary(Self.tensor(size: axes, strides: axes))))
    #expect(try deepest.floats("x") == [1])
    let empty = try open(
      StoredZip.pickle(Self.dictionary(Self.tensor(offset: 9, size: [0, 3], strides: [3, 1]))))
    #expect(try empty.floats("x") == [])
  }

  @Test func namesOccurOnce() throws {
    let twice =
      Self.start + [0x7D, 0x28] + Self.text("x") + Self.tensor() + Self.text("x") + Self.tensor() + [
        0x75, 0x2E,
      ]
    try expectFault(StoredZip.pickle(twice), "tensor \"x\": the dictionary has it twice")
  }

  @Test func deepAndCircularNestingIsHarmless() throws {
    let count = 1_000_000
    let tuples = Self.start + [0x29] + [UInt8](repeating: 0x85, count: count) + [0x2E]
    try expectFault(StoredZip.pickle(tuples), "it holds a tuple")
    let lists =
      Self.start + [UInt8](repeating: 0x5D, count: count) + [UInt8](repeating: 0x61, count: count - 1)
    try expectFault(StoredZip.pickle(lists + [0x2E]), "it holds a list")
    let marks = Self.start + [UInt8](repeating: 0x28, count: count) + [0x2E]
    try expectFault(StoredZip.pickle(marks), "stack is empty")
    // A dictionary that holds itself.
    try expectFault(
      StoredZip.pickle(Self.start + [0x7D, 0x71, 0] + Self.text("x") + [0x68, 0, 0x73, 0x2E]),
      "\"x\" (a dictionary)")
    let huge = Self.start + [UInt8](repeating: 0x4E, count: 17 << 20)
    try expectFault(StoredZip.pickle(huge), "more than the 16777216 allowed")
  }

  @Test func archivesAreChecked() throws {
    let good = StoredZip.pickle(Self.dictionary(Self.tensor()))
    try expectFault(StoredZip.bytes([]), "0 entries FOLDER/data.pkl")
    try expectFault(StoredZip.bytes([("a/b/data.pkl", [])]), "0 entries FOLDER/data.pkl")
    try expectFault(StoredZip.bytes([("a/data.pkl", []), ("b/data.pkl", [])]), "2 entries")
    try expectFault(StoredZip.bytes([("a/data.pkl", []), ("a/data.pkl", [])]), "occurs twice")
    try expectFault(
      StoredZip.pickle(Self.dictionary(Self.tensor()), byteOrder: "middle"), "byteorder is \"middle\"")
    try expectFault(Array(good.dropLast()), "truncated")
    try expectFault(Array(good.prefix(good.count / 2)), "truncated")
    // An end record in the comment is none.
    var commented = good + StoredZip.bytes([]).dropLast(2) + [9, 9]
    commented[good.count - 2] = UInt8(commented.count - good.count)
    #expect(try open(commented).floats("x") == [1])
  }

  @Test func whatIsNoTensorIsLeftOut() throws {
    // {"epoch": 3, "x": tensor, "note": "text", "best": None, "args": {}}
    let entries: [[UInt8]] = [
      Self.text("epoch") + [0x4B, 3], Self.text("x") + Self.tensor(), Self.text("note") + Self.text("text"),
      Self.text("best") + [0x4E], Self.text("args") + [0x7D],
    ]
    let file = try open(
      StoredZip.pickle(Self.start + [0x7D] + entries.flatMap { $0 + [0x73] } + [0x2E]))
    #expect(file.tensors.map(\.name) == ["x"])
    try expectFault(
      StoredZip.pickle(Self.start + [0x7D] + Self.text("epoch") + [0x4B, 3, 0x73, 0x2E]),
      "beside 0 tensors its dictionary holds \"epoch\" (an integer), expected tensors only")
  }

  @Test func bombsAreRefusedByTheirInstructions() throws {
    try expectFault(
      StoredZip.pickle(Self.start + [UInt8](repeating: 0x5D, count: 3_000_000) + [0x2E]),
      "more than 2000000 instructions")
    // The same 60 axes over and over: a tuple is remembered, and each tensor would copy it.
    let axes =
      [0x28] + [UInt8](repeating: 0, count: 0) + (0..<60).flatMap { _ in [0x4B, 1] as [UInt8] } + [
        0x74, 0x71, 1,
      ]
    let made: [UInt8] = [0x68, 2, 0x68, 3, 0x52, 0x30]  // get the function, get the arguments, call, drop
    let arguments =
      [0x28] + Self.storage() + [0x4B, 0] + axes + [0x68, 1, 0x89, 0x7D, 0x74, 0x71, 3, 0x30] as [UInt8]
    let bomb =
      Self.start + Self.global("torch._utils", "_rebuild_tensor_v2") + [0x71, 2, 0x30] + arguments
      + (0..<60_000).flatMap { _ in made } + [0x4E, 0x2E]
    try expectFault(StoredZip.pickle(bomb), "it makes more than 50000 tensors")
  }

  @Test func aStorageOfImpossibleSizeIsNamed() throws {
    // 2^62 elements as LONG1.
    let count: [UInt8] = [0x8A, 8, 0, 0, 0, 0, 0, 0, 0, 0x40]
    let storage: [UInt8] =
      [0x28] + Self.text("storage") + Self.global("torch", "FloatStorage") + Self.text("0") + Self.text("cpu")
      + count + [0x74, 0x51]
    try expectFault(
      StoredZip.pickle(Self.dictionary(Self.tensor(storage))),
      "its storage has 4 bytes, but 4611686018427387904 elements of 4 by the pickle")
  }
}
