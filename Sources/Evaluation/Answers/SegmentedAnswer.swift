/// An answer as CMRC 2018 compares it: lower-cased, trimmed and without the script's punctuation, and cut into segments.
package struct SegmentedAnswer {
  /// The text that exact match compares.
  package let text: [Unicode.Scalar]
  /// Chinese characters one by one and the words between them, one after the other.
  private var segmentScalars: [Unicode.Scalar] = []
  /// Where each segment stands in `segmentScalars`.
  private var segmentRanges: [Range<Int>] = []

  /// Normalises and cuts an answer.
  package init(_ answer: String) {
    let lowered = PythonText.lowercased(answer)
    text = PythonText.stripped(lowered[...]).filter { !Self.isRemoved($0) }
    var start = 0
    for index in text.indices where Self.isChinese(text[index]) {
      appendWords(of: text[start..<index])
      append([text[index]])
      start = index + 1
    }
    appendWords(of: text[start...])
  }

  /// The segments, each as a string.
  package var segments: [String] {
    segmentRanges.map { range in
      var view = String.UnicodeScalarView()
      view.append(contentsOf: segmentScalars[range])
      return String(view)
    }
  }

  private mutating func appendWords(of run: ArraySlice<Unicode.Scalar>) {
    for word in WordTokenizer.words(of: run) { append(word) }
  }

  private mutating func append(_ segment: ArraySlice<Unicode.Scalar>) {
    segmentRanges.append(segmentScalars.count..<segmentScalars.count + segment.count)
    segmentScalars += segment
  }

  /// F1 of a predicted answer, from 0 to 1: the longest run of segments that both share, over either's segments.
  package func f1(predicted: SegmentedAnswer) -> Double {
    let common = longestCommonRun(predicted)
    if common == 0 { return 0 }
    let precision = Double(common) / Double(predicted.segmentRanges.count)
    let recall = Double(common) / Double(segmentRanges.count)
    return 2 * precision * recall / (precision + recall)
  }

  /// The length of the longest common substring of segments.
  private func longestCommonRun(_ other: SegmentedAnswer) -> Int {
    var numbers: [ArraySlice<Unicode.Scalar>: Int32] = [:]
    func numbered(_ answer: SegmentedAnswer) -> [Int32] {
      answer.segmentRanges.map { range in
        let segment = answer.segmentScalars[range]
        if let number = numbers[segment] { return number }
        numbers[segment] = Int32(numbers.count)
        return Int32(numbers.count - 1)
      }
    }
    return longestCommonRunLength(numbered(self), numbered(other))
  }

  /// The script's list of punctuation.
  ///
  /// Its entry "……" is two characters and so never equals one.
  private static func isRemoved(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar {
    case "-", ":", "_", "*", "^", "/", "\\", "~", "`", "+", "=": true
    case "，", "。", "：", "？", "！", "“", "”", "；", "’", "《", "》", "·", "、": true
    case "「", "」", "（", "）", "－", "～", "『", "』": true
    default: false
    }
  }

  /// The script's Chinese characters: U+4E00 to U+9FA5 and no others.
  private static func isChinese(_ scalar: Unicode.Scalar) -> Bool { (0x4E00...0x9FA5).contains(scalar.value) }
}
