/// The pieces of a growing vocabulary, numbered in the order they came.
struct PieceTable {
  private(set) var spellings: [[UInt8]] = []
  private var ids: [[UInt8]: Int32] = [:]

  var count: Int { spellings.count }

  /// The number of a piece, which is added if it is new.
  mutating func id(adding spelling: [UInt8]) -> Int32 {
    if let id = ids[spelling] { return id }
    let id = Int32(spellings.count)
    spellings.append(spelling)
    ids[spelling] = id
    return id
  }
}
