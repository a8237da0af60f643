/// Something wrong in a row that is used all the same, and what was made of it.
public struct RowRepair: Sendable, Hashable, CustomStringConvertible {
  /// The line, counted from 1; 0 where `place` says more.
  public let line: Int
  /// The way to the value in a file that is one JSON document, such as `data[0].paragraphs[2].qas[1]`.
  public let place: String?
  /// What was found.
  public let found: String
  /// What was done about it.
  public let remedy: String

  init(line: Int = 0, place: String? = nil, found: String, remedy: String) {
    self.line = line
    self.place = place
    self.found = found
    self.remedy = remedy
  }

  /// The repair without the name of its file.
  public var description: String { "found \(found); \(remedy)" }
}
