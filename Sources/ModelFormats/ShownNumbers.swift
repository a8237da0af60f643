import Foundation

/// A whole number with commas between thousands.
package func grouped(_ number: Int) -> String {
  var text = ""
  for (index, digit) in String(number).reversed().enumerated() {
    if index > 0 && index % 3 == 0 && digit != "-" { text.append(",") }
    text.append(digit)
  }
  return String(text.reversed())
}

/// Bytes in units of 2^20, with a decimal place below 1000.
package func megabytes(_ bytes: Int) -> String {
  String(format: bytes < 1_048_576_000 ? "%.1f" : "%.0f", Double(bytes) / 1_048_576)
}
