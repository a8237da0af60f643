import CUtf8proc

/// How many terminal columns a text takes: East Asian wide characters count as two, combining marks as none.
package func displayWidth(_ text: String) -> Int {
  if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text.utf8.count }
  return text.unicodeScalars.reduce(0) { width, scalar in
    scalar.value >= 0x20 && scalar.value < 0x7F
      ? width + 1 : width + max(0, Int(utf8proc_charwidth(utf8proc_int32_t(scalar.value))))
  }
}

/// The text with spaces added up to a width, on the left or on the right.
package func padded(_ text: String, to width: Int, onLeft: Bool = false) -> String {
  let missing = String(repeating: " ", count: max(0, width - displayWidth(text)))
  return onLeft ? missing + text : text + missing
}

/// The text, cut to a width and marked with an ellipsis when it does not fit.
package func clipped(_ text: String, to width: Int) -> String {
  if displayWidth(text) <= width { return text }
  var kept = ""
  var used = 1
  for character in text {
    used += displayWidth(String(character))
    if used > width { break }
    kept.append(character)
  }
  return kept + "…"
}
