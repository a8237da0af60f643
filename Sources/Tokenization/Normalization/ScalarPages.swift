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

  /// Fills pages range by range; whole blocks of one value share a page.
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
