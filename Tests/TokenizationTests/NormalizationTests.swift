import ModelFormats
import TestSupport
import Testing
import Tokenization

@Suite struct NormalizationTests {
  /// Every Unicode scalar, between letters and before a mark, under the flags that the golden file has.
  @Test func everyScalarIsNormalizedAsTokenizersDoes() throws {
    for entry in try Golden.list(try Golden.load("normalization.json")) {
      let normalizer = TextNormalizer(try Golden.options(entry["flags"]))
      for (block, expected) in try Golden.strings(entry["blocks"]).enumerated() {
        var text = ""
        for value in UInt32(block) << 12..<UInt32(block + 1) << 12 {
          guard let scalar = Unicode.Scalar(value) else { continue }
          text.unicodeScalars.append(contentsOf: ["a", scalar, "\u{323}", "B", " "])
        }
        var digest: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in normalizer.normalize(text).utf8 { digest = (digest ^ UInt64(byte)) &* 0x100_0000_01b3 }
        let hexadecimal = String(digest, radix: 16)
        let padded = String(repeating: "0", count: 16 - hexadecimal.count) + hexadecimal
        #expect(
          padded == expected,
          "the scalars from \(String(block << 12, radix: 16)) on, flags \(entry["flags"]?.compactText ?? "")")
      }
    }
  }

  @Test(arguments: [
    ("Crème BRÛLÉE", "creme brulee"), ("İstanbul", "istanbul"), ("ΣΑΣ", "σασ"),
    ("북", "\u{1107}\u{116E}\u{11A8}"),
    ("a\u{0}b\u{FFFD}c\u{200B}d\te", "abcd e"), ("北京", " 北  京 "), ("\u{F900}", " \u{8C48} "), ("≠", "="),
  ])
  func uncasedTextIsCleaned(text: String, expected: String) {
    let normalizer = TextNormalizer(BertTokenizerOptions())
    #expect(normalizer.normalize(text).unicodeScalars.elementsEqual(expected.unicodeScalars))
  }

  @Test func lowerCaseWithoutStrippingKeepsTheDot() {
    let normalizer = TextNormalizer(BertTokenizerOptions(stripAccents: false))
    #expect(normalizer.normalize("İ").unicodeScalars.map(\.value) == [0x69, 0x307])
  }
}
