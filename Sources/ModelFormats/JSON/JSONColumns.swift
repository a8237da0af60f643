/// List of pairs of a string and a number, `[["a", 1], ["b", 2]]`, in columns: a value for each of the 250,000 pieces of a
/// vocabulary would take ten times the room.
package struct JSONColumns: Sendable {
  package var strings: [String] = []
  package var numbers: [Double] = []

  /// Empty columns with room for so many pairs.
  package init(capacity: Int = 0) {
    strings.reserveCapacity(capacity)
    numbers.reserveCapacity(capacity)
  }

  /// The list as a value.
  package var json: JSONValue { .array(zip(strings, numbers).map { [.string($0), .double($1)] }) }
}

extension JSONParser {
  /// Reads a list of pairs of a string and a number; of anything else nothing is read, and the answer is no.
  mutating func readColumns() throws(FormatError) -> Bool {
    let start = position
    // Room for as many pairs as are usual in so many bytes.
    var columns = JSONColumns(capacity: min((bytes.count - position) / 32, 1 << 19))
    guard opens(), !closes(UInt8(ascii: "]")) else {
      position = start
      return false
    }
    repeat {
      guard opens(), try readPair(into: &columns), closes(UInt8(ascii: "]")) else {
        position = start
        return false
      }
    } while try continues(before: UInt8(ascii: "]"))
    self.columns = columns
    return true
  }

  private mutating func readPair(into columns: inout JSONColumns) throws(FormatError) -> Bool {
    skipSpace()
    guard next == UInt8(ascii: "\"") else { return false }
    let string = try string()
    skipSpace()
    guard next == UInt8(ascii: ",") else { return false }
    position += 1
    skipSpace()
    guard let byte = next, byte == UInt8(ascii: "-") || byte &- UInt8(ascii: "0") < 10,
      let number = try number().doubleValue
    else { return false }
    columns.strings.append(string)
    columns.numbers.append(number)
    return true
  }

  /// Passes the bracket that opens an array.
  private mutating func opens() -> Bool { closes(UInt8(ascii: "[")) }
}
