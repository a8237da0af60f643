/// What is wrong with a recipe: every fault, each with its file and line.
package struct RecipeError: Error, CustomStringConvertible, Equatable {
  /// One sentence per fault.
  package let faults: [String]

  /// An error of one or more faults.
  package init(_ faults: [String]) { self.faults = faults }

  package var description: String {
    if faults.count == 1 { return faults[0] }
    return "\(faults.count) faults in the recipe:\n  " + faults.joined(separator: "\n  ")
  }
}
