import Datasets
import Testing
import Tokenization

@Suite("Encoding of data sets")
struct EncodingTests {
  let tokenizer = BertTokenizer(
    vocabulary: Vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "b", "c"]),
    options: BertTokenizerOptions())

  @Test("keeps the order and the labels, and cuts what is too long")
  func singles() throws {
    let examples = [
      TextExample(text: "a b", label: 1), TextExample(text: "c"), TextExample(text: "a b c a b", label: 0),
    ]
    let encoded = try EncodedExample.encode(examples, with: tokenizer, maxLength: 5)
    #expect(encoded.map(\.ids) == [[2, 5, 6, 3], [2, 7, 3], [2, 5, 6, 7, 3]])
    #expect(encoded.map(\.label) == [1, EncodedExample.noLabel, 0])
  }

  @Test("marks the second text of a pair")
  func pairs() throws {
    let encoded = try EncodedExample.encode(
      [TextExample(text: "a", pair: "b c", label: 0)], with: tokenizer, maxLength: 16)
    #expect(encoded[0].ids == [2, 5, 3, 6, 7, 3])
    #expect(encoded[0].segments == [0, 0, 0, 1, 1, 1])
  }

  @Test("cuts single texts and pairs of one data set each in their own way")
  func both() throws {
    let examples = [
      TextExample(text: "a", pair: "b"), TextExample(text: "a"), TextExample(text: "c", pair: "b"),
    ]
    let encoded = try EncodedExample.encode(examples, with: tokenizer, maxLength: 16)
    #expect(encoded.map(\.ids) == [[2, 5, 3, 6, 3], [2, 5, 3], [2, 7, 3, 6, 3]])
    #expect(encoded.map(\.segments) == [[0, 0, 0, 1, 1], [0, 0, 0], [0, 0, 0, 1, 1]])
  }
}
