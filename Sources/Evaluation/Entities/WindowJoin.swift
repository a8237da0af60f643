/// Join of the predictions of overlapping windows: each token takes its value from the window in which it has most
/// context.
///
/// Context is the smaller of the number of tokens before and after it in the window, and a longer window wins by a
/// hundredth of its length, as in BERT's run_squad.py (`_check_is_max_context`); of equal windows the first wins.
public enum WindowJoin {
  /// The window that each token takes, as an index into `windows`.
  ///
  /// - Parameters:
  ///   - windows: the tokens that each window covers, counted from 0; together they cover all.
  ///   - count: the number of tokens, N. The result is [N].
  public static func bestWindows(_ windows: [Range<Int>], count: Int) -> [Int] {
    var best = [(window: Int, score: Double)](repeating: (-1, -1), count: count)
    for (index, window) in windows.enumerated() {
      precondition(
        window.lowerBound >= 0 && window.upperBound <= count,
        "A window covers the tokens \(window), expected some of 0 ..< \(count).")
      for token in window {
        let context = min(token - window.lowerBound, window.upperBound - 1 - token)
        let score = Double(context) + 0.01 * Double(window.count)
        if score > best[token].score { best[token] = (index, score) }
      }
    }
    if let gap = best.firstIndex(where: { $0.window < 0 }) {
      preconditionFailure("No window covers token \(gap) of \(count).")
    }
    return best.map(\.window)
  }

  /// The value of each token of a text.
  ///
  /// - Parameters:
  ///   - windows: where each window starts, and the values of its tokens.
  ///   - count: the number of tokens, N. The result is [N].
  public static func joined<Value>(_ windows: [(start: Int, values: [Value])], count: Int) -> [Value] {
    let ranges = windows.map { $0.start..<$0.start + $0.values.count }
    return bestWindows(ranges, count: count).enumerated().map { token, index in
      windows[index].values[token - windows[index].start]
    }
  }
}
