/// A word under construction, where its bytes do not follow the source text one to one.
struct WordScratch {
  /// The word in UTF-8.
  var bytes: [UInt8] = []
  /// The source scalar that each byte is aligned with.
  var origins: [Int32] = []
  /// The number of scalars, counted on beyond the limit.
  private(set) var scalars = 0
  /// The first source scalar.
  private(set) var first: Int32 = 0
  /// The position behind the last source scalar.
  private(set) var end: Int32 = 0
  /// Words of more scalars are unknown and not stored further.
  let limit: Int

  init(limit: Int) { self.limit = limit }

  var isEmpty: Bool { scalars == 0 }
  var isTooLong: Bool { scalars > limit }

  mutating func append(_ scalar: UInt32, origin: Int32) {
    if scalars == 0 { first = origin }
    end = origin + 1
    scalars += 1
    if isTooLong { return }
    bytes.append(utf8: scalar)
    while origins.count < bytes.count { origins.append(origin) }
  }

  mutating func clear() {
    bytes.removeAll(keepingCapacity: true)
    origins.removeAll(keepingCapacity: true)
    scalars = 0
  }
}
