/// What a Unicode scalar is, as far as BERT's cleaning, splitting and accent stripping look at it.
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
  private static func map(_ data: StaticString, moves: Bool = true) -> ScalarMap {
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
