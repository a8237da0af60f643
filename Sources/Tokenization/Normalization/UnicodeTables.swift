/// Properties of a Unicode scalar that BERT's cleaning, splitting and accent stripping look at.
struct ScalarProperties: OptionSet {
  let rawValue: UInt8

  static let control = ScalarProperties(rawValue: 1 << 0)
  static let white = ScalarProperties(rawValue: 1 << 1)
  static let punctuation = ScalarProperties(rawValue: 1 << 2)
  static let chinese = ScalarProperties(rawValue: 1 << 3)
  static let mark = ScalarProperties(rawValue: 1 << 4)
  static let decomposes = ScalarProperties(rawValue: 1 << 5)
  static let lowercases = ScalarProperties(rawValue: 1 << 6)
  /// Decomposes to (or is) a mark of another combining class than 0 that accent stripping leaves.
  static let reorders = ScalarProperties(rawValue: 1 << 7)
}

/// The Unicode tables in the form that look-ups want, unpacked once from `UnicodeData`.
///
/// The tables are those of Hugging Face `tokenizers`, not of the system's utf8proc: results must equal the former on
/// every machine, and its categories are frozen at an old Unicode version.
final class UnicodeTables: Sendable {
  /// The one instance; unpacking takes a fraction of a millisecond.
  static let shared = UnicodeTables()

  /// The properties of every scalar.
  let properties: ScalarPages
  /// Full canonical decompositions, Hangul syllables excepted.
  let decompositions: ScalarMap
  /// Lower case where it differs.
  let lowercase: ScalarMap
  /// Canonical combining classes that are not 0.
  let combiningClasses: ScalarMap

  static let hangul: ClosedRange<UInt32> = 0xAC00...0xD7A3

  private init() {
    var pages = ScalarPages.Builder()
    for (data, property) in [
      (UnicodeData.control, ScalarProperties.control), (UnicodeData.white, .white),
      (UnicodeData.punctuation, .punctuation), (UnicodeData.chinese, .chinese), (UnicodeData.mark, .mark),
    ] {
      for entry in UnicodeDataReader(data) { pages.insert(property.rawValue, in: entry.range) }
    }
    combiningClasses = Self.map(UnicodeData.combining, moves: false)
    lowercase = Self.map(UnicodeData.lowercase)
    decompositions = Self.map(UnicodeData.decomposition)
    for scalar in lowercase.keys { pages.insert(ScalarProperties.lowercases.rawValue, in: scalar...scalar) }
    for scalar in decompositions.keys {
      pages.insert(ScalarProperties.decomposes.rawValue, in: scalar...scalar)
    }
    pages.insert(ScalarProperties.decomposes.rawValue, in: Self.hangul)
    let marks = ScalarPages(pages)
    let survivors = Set(
      combiningClasses.keys.filter { marks[$0] & ScalarProperties.mark.rawValue == 0 })
    for scalar in survivors { pages.insert(ScalarProperties.reorders.rawValue, in: scalar...scalar) }
    for scalar in decompositions.keys {
      guard let range = decompositions.range(of: scalar) else { continue }
      if decompositions.parts[range].contains(where: survivors.contains) {
        pages.insert(ScalarProperties.reorders.rawValue, in: scalar...scalar)
      }
    }
    properties = ScalarPages(pages)
  }

  /// - Parameter moves: whether the target moves along with the code point in a range.
  static func map(_ data: StaticString, moves: Bool = true) -> ScalarMap {
    var pairs: [(UInt32, [UInt32])] = []
    for entry in UnicodeDataReader(data) {
      for scalar in stride(from: entry.range.lowerBound, through: entry.range.upperBound, by: Int(entry.step))
      {
        let distance = moves ? scalar - entry.range.lowerBound : 0
        pairs.append((scalar, entry.targets.count == 1 ? [entry.targets[0] + distance] : entry.targets))
      }
    }
    return ScalarMap(pairs.sorted { $0.0 < $1.0 })
  }

  func properties(of scalar: UInt32) -> ScalarProperties {
    ScalarProperties(rawValue: properties[scalar])
  }

  /// The canonical combining class, 0 for most scalars.
  func combiningClass(of scalar: UInt32) -> UInt32 {
    let properties = properties(of: scalar)
    guard properties.contains(.mark) || properties.contains(.reorders),
      let range = combiningClasses.range(of: scalar)
    else { return 0 }
    return combiningClasses.parts[range.lowerBound]
  }

  /// Appends the full canonical decomposition of a scalar, or the scalar itself.
  func decompose(_ scalar: UInt32, into output: inout [UInt32]) {
    if Self.hangul.contains(scalar) {
      let index = scalar - Self.hangul.lowerBound
      output.append(0x1100 + index / 588)
      output.append(0x1161 + index % 588 / 28)
      if index % 28 != 0 { output.append(0x11A7 + index % 28) }
    } else if let range = decompositions.range(of: scalar) {
      output.append(contentsOf: decompositions.parts[range])
    } else {
      output.append(scalar)
    }
  }

  /// Appends the lower case of a scalar (several scalars for `İ`), or the scalar itself.
  func lowercase(_ scalar: UInt32, into output: inout [UInt32]) {
    if properties(of: scalar).contains(.lowercases), let range = lowercase.range(of: scalar) {
      output.append(contentsOf: lowercase.parts[range])
    } else {
      output.append(scalar)
    }
  }
}

/// A byte for every Unicode scalar, in pages of 128 that share storage where they are alike.
struct ScalarPages: Sendable {
  static let pageSize = 128
  static let pageCount = 0x110000 / pageSize

  /// The page of each block of 128 scalars.
  let index: [UInt16]
  /// The pages, one after the other.
  let values: [UInt8]

  init(_ builder: Builder) {
    index = builder.index
    values = builder.values
  }

  private init(index: [UInt16], values: [UInt8]) {
    self.index = index
    self.values = values
  }

  subscript(_ scalar: UInt32) -> UInt8 {
    values[Int(index[Int(scalar >> 7)]) << 7 | Int(scalar & 127)]
  }

  /// The same pages with every value replaced.
  func mapValues(_ transform: (UInt8) -> UInt8) -> ScalarPages {
    let table = (0...255).map { transform(UInt8($0)) }
    return ScalarPages(index: index, values: values.map { table[Int($0)] })
  }

  /// Builder that fills pages range by range; whole blocks of one value share a page.
  struct Builder {
    var index = [UInt16](repeating: 0, count: ScalarPages.pageCount)
    var values = [UInt8](repeating: 0, count: ScalarPages.pageSize)
    /// The value of a page that stands for whole blocks; nil for a page that one block owns.
    private var uniform: [UInt8?] = [0]

    /// Sets bits in the values of all scalars of a range.
    mutating func insert(_ bits: UInt8, in range: ClosedRange<UInt32>) {
      var scalar = Int(range.lowerBound)
      let end = Int(range.upperBound) + 1
      while scalar < end {
        let block = scalar / ScalarPages.pageSize
        let blockEnd = min((block + 1) * ScalarPages.pageSize, end)
        let isWhole = blockEnd - scalar == ScalarPages.pageSize
        if isWhole, let value = uniform[Int(index[block])] {
          index[block] = uniformPage(value | bits)
        } else {
          let first = Int(ownedPage(block)) * ScalarPages.pageSize - block * ScalarPages.pageSize
          for position in scalar..<blockEnd { values[first + position] |= bits }
        }
        scalar = blockEnd
      }
    }

    private mutating func uniformPage(_ value: UInt8) -> UInt16 {
      if let page = uniform.firstIndex(of: value) { return UInt16(page) }
      values.append(contentsOf: repeatElement(value, count: ScalarPages.pageSize))
      uniform.append(value)
      return UInt16(uniform.count - 1)
    }

    private mutating func ownedPage(_ block: Int) -> UInt16 {
      guard let value = uniform[Int(index[block])] else { return index[block] }
      values.append(contentsOf: repeatElement(value, count: ScalarPages.pageSize))
      uniform.append(nil)
      index[block] = UInt16(uniform.count - 1)
      return index[block]
    }
  }
}

/// A map from some scalars to short sequences of scalars, found by binary search.
struct ScalarMap: Sendable {
  /// The mapped scalars, ascending.
  let keys: [UInt32]
  /// Starts of each key's sequence in `parts`, then the end of the last.
  let starts: [UInt32]
  /// All sequences, one after the other.
  let parts: [UInt32]

  /// - Parameter pairs: keys in ascending order, each once.
  init(_ pairs: [(UInt32, [UInt32])]) {
    var starts: [UInt32] = []
    var parts: [UInt32] = []
    starts.reserveCapacity(pairs.count + 1)
    for (_, sequence) in pairs {
      starts.append(UInt32(parts.count))
      parts.append(contentsOf: sequence)
    }
    starts.append(UInt32(parts.count))
    keys = pairs.map(\.0)
    self.starts = starts
    self.parts = parts
  }

  /// The range of a scalar's sequence in `parts`; nil when the scalar is not mapped.
  func range(of scalar: UInt32) -> Range<Int>? {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) >> 1
      if keys[middle] < scalar { low = middle + 1 } else { high = middle }
    }
    guard low < keys.count, keys[low] == scalar else { return nil }
    return Int(starts[low])..<Int(starts[low + 1])
  }
}

/// Reader of the entries of a `UnicodeData` string: `first-last/step:target,target`, all but `first` optional,
/// hexadecimal.
struct UnicodeDataReader: Sequence, IteratorProtocol {
  struct Entry {
    var range: ClosedRange<UInt32>
    var step: UInt32
    var targets: [UInt32]
  }

  private let bytes: [UInt8]
  private var position = 0

  init(_ data: StaticString) { bytes = Array(data.description.utf8) }

  mutating func next() -> Entry? {
    while position < bytes.count, bytes[position] == UInt8(ascii: " ") { position += 1 }
    guard position < bytes.count else { return nil }
    let first = number()
    var entry = Entry(range: first...first, step: 1, targets: [])
    if skip("-") { entry.range = first...number() }
    if skip("/") { entry.step = number() }
    if skip(":") {
      repeat { entry.targets.append(number()) } while skip(",")
    }
    return entry
  }

  private mutating func skip(_ character: Unicode.Scalar) -> Bool {
    guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
    position += 1
    return true
  }

  private mutating func number() -> UInt32 {
    var value: UInt32 = 0
    while position < bytes.count {
      let byte = bytes[position]
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt32(byte - UInt8(ascii: "0"))
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = value << 4 | UInt32(byte - UInt8(ascii: "A") + 10)
      default: return value
      }
      position += 1
    }
    return value
  }
}
