/// Options that a command cannot do without but that a recipe may hold: all that are missing are reported together.
struct MissingOptions {
  private var missing: [String] = []

  /// The value, or a stand-in that is never used because `check` throws.
  mutating func require(_ value: String?, _ option: String, _ meaning: String) -> String {
    if value == nil { missing.append("\(option) (\(meaning))") }
    return value ?? ""
  }

  /// Throws when anything is missing.
  func check() throws {
    if missing.isEmpty { return }
    throw UsageError("missing \(missing.joined(separator: ", "))")
  }
}
