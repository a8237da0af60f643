/// Which parts of a head a checkpoint has, and so which may start at random.
///
/// A head of which nothing is there starts fresh, for a new task. One whose output layer is there was trained, and of a
/// layer that is there in part the rest was lost: what is missing then is a fault.
struct HeadParts {
  private let names: ParameterNames
  private let head: TaskHead
  private let isTrained: Bool
  private let modules: Set<String>

  /// - Parameter source: The checkpoint; a head that it hides counts as not there.
  init(of head: TaskHead, names: ParameterNames, in source: some ParameterSource) {
    (self.names, self.head) = (names, head)
    let present = source.names.filter { names.isPart($0, of: head) && source.shape(of: $0) != nil }
    modules = Set(present.map(Self.module))
    // A masked language model has no layer of its own behind the transform, and no encoder alone has any part of it.
    isTrained =
      head == .maskedLanguageModel
      ? !present.isEmpty : modules.contains(names.output(of: head))
  }

  /// Whether a parameter that the checkpoint lacks may have its initial value.
  func mayBeFresh(_ name: String) -> Bool {
    names.isPart(name, of: head) && !isTrained && !modules.contains(Self.module(name))
  }

  /// The layer a parameter belongs to.
  private static func module(_ name: String) -> String {
    name.lastIndex(of: ".").map { String(name[..<$0]) } ?? name
  }
}
