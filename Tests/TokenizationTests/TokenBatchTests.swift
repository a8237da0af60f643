import Testing
import Tokenization

@Suite struct TokenBatchTests {
  @Test func packsSequencesEndToEnd() {
    let batch = TokenBatch(sequences: [([5, 6, 7], [0, 0, 1]), ([], []), ([9], [0])])
    #expect(batch.ids == [5, 6, 7, 9])
    #expect(batch.segments == [0, 0, 1, 0])
    #expect(batch.positions == [0, 1, 2, 0])
    #expect(batch.starts == [0, 3, 3, 4])
    #expect(batch.count == 3)
    #expect(batch.tokenCount == 4)
    #expect(batch.maxLength == 3)
    #expect(batch.length(1) == 0)
    #expect(batch.rows(of: 2) == 3..<4)
  }

  @Test func anEmptyBatchHasNoRows() {
    let batch = TokenBatch(sequences: [])
    #expect(batch.count == 0)
    #expect(batch.tokenCount == 0)
    #expect(batch.maxLength == 0)
    #expect(batch.starts == [0])
  }
}
