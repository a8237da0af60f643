import TaskData
import Testing

@Suite("Text augmentation")
struct TextAugmenterTests {
  static let english = [
    "a gripping and funny film from its first to its last minute",
    "the plot has more holes than a sieve and half the charm", "dull and slow", "a lovely , quiet thing",
  ]

  private func take(_ count: Int, _ texts: [String], seed: UInt64 = 1) -> [String] {
    var augmenter = TextAugmenter(texts, seed: seed)
    return (0..<count).compactMap { _ in augmenter.next() }
  }

  @Test("gives new texts of known words, each once, the same for the same seed")
  func english() {
    let texts = take(300, Self.english)
    #expect(texts.count == 300 && Set(texts).count == 300)
    #expect(Set(texts).isDisjoint(with: Self.english))
    let words = Set(Self.english.joined(separator: " ").split(separator: " "))
    for text in texts {
      #expect(text.split(separator: " ").allSatisfy { words.contains($0) || $0 == "[MASK]" || $0 == "," })
    }
    #expect(texts == take(300, Self.english))
    #expect(texts != take(300, Self.english, seed: 2))
  }

  @Test("masks, replaces and joins, in about the promised shares")
  func shares() {
    let texts = take(
      2000, Self.english + (0..<40).map { "number \($0) of a long row of quite different texts here" })
    let masked = texts.count { $0.contains("[MASK]") }
    #expect((400...600).contains(masked))
    // Only a joined text is longer than the longest given one.
    #expect(texts.contains { $0.split(separator: " ").count > 12 })
    // Masking and replacing keep the number of words.
    #expect(texts.count { $0.split(separator: " ").count == 11 } > 200)
  }

  @Test("takes characters where texts have no spaces")
  func chinese() {
    let texts = take(100, ["这家酒店的房间很干净，早餐也好", "服务态度差", "书写得不错，值得一读再读"])
    #expect(texts.count == 100)
    #expect(texts.allSatisfy { !$0.contains(" ") })
    #expect(texts.contains { $0.contains("[MASK]") })
    #expect(texts.contains { $0.hasPrefix("服务态度差，") })
  }

  @Test("ends when there is nothing new")
  func exhaustion() {
    #expect(take(10, []) == [])
    #expect(take(10, ["", " "]) == [])
    #expect(take(10, ["good "]) == ["[MASK]"])
  }
}
