import Encoders
import TaskData
import Tasks
import Tokenization

extension Console: WorkListener {
  /// Shows how far a piece of work has come.
  package func progress(_ title: String, done: Int, total: Int) {
    display.show(title, done: done, total: total)
  }

  /// Leaves the bar as it stands.
  package func progressEnded() { display.finishLine() }
}

extension TokenizedModel {
  /// Loads a directory whose model answers tasks of a kind.
  init(_ path: String, for kind: TaskKind, console: Console) throws {
    try self.init(path, for: kind, allowsNonFinite: console.allowsNonFinite, listener: console)
  }

  /// Loads a directory as it is.
  init(_ path: String, head: TaskHead? = nil, needsHead: Bool = true, console: Console) throws {
    try self.init(
      path, head: head, needsHead: needsHead, allowsNonFinite: console.allowsNonFinite, listener: console)
  }
}

extension Console {
  /// The texts of a command: those of its command line, else of a file, else lines of standard input.
  func texts(_ texts: [String], file: String?) throws -> [InputTexts.Item] {
    if texts.isEmpty, file == nil, inputIsTerminal {
      note("reading standard input, one text a line; end with Ctrl-D")
    }
    return try InputTexts.read(texts, file: file, lines: input)
  }
}
