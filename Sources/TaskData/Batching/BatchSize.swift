/// How much one batch holds.
public enum BatchSize: Sendable, Hashable {
  /// This many sequences.
  case sequences(Int)
  /// As many sequences as stay within this many tokens; a longer sequence gets a batch of its own.
  case tokens(Int)

  func holds(sequences: Int, tokens: Int) -> Bool {
    switch self {
    case .sequences(let limit): sequences <= limit
    case .tokens(let limit): tokens <= limit
    }
  }

  var limit: Int {
    switch self {
    case .sequences(let limit), .tokens(let limit): limit
    }
  }
}
