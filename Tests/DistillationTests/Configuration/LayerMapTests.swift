import Distillation
import Testing

@Suite struct LayerMapTests {
  @Test(arguments: [
    (LayerMap.uniform, 12, 3, [0, 4, 8, 12]), (.uniform, 12, 4, [0, 3, 6, 9, 12]),
    (.uniform, 12, 6, [0, 2, 4, 6, 8, 10, 12]), (.uniform, 6, 3, [0, 2, 4, 6]),
    (.uniform, 6, 4, [0, 2, 3, 5, 6]),
    (.uniform, 2, 4, [0, 1, 1, 2, 2]), (.uniform, 12, 12, Array(0...12)), (.last, 12, 3, [0, 10, 11, 12]),
    (.first, 12, 3, [0, 1, 2, 3]), (.copied, 12, 6, [0, 1, 3, 5, 8, 10, 12]), (.copied, 6, 3, [0, 1, 3, 6]),
    (.copied, 12, 1, [0, 1]),
  ])
  func pairs(map: LayerMap, teacher: Int, student: Int, expected: [Int]) {
    let pairs = map.pairs(teacher: teacher, student: student)
    #expect(pairs.map(\.teacher) == expected)
    #expect(pairs.map(\.student) == Array(0...student))
    #expect(
      map.pairs(teacher: teacher, student: student, embeddings: false).map(\.teacher)
        == Array(expected.dropFirst()))
  }

  @Test func attentionCountsBlocksUnlessTextBrewerCountsPositions() throws {
    let teacher = ModelDescription(try tinyModel(layers: 12), name: "teacher")
    let student = ModelDescription(try tinyModel(layers: 3), name: "student")
    func positions(_ source: MatchSource, _ compatibility: Compatibility?) -> [Int] {
      let config = DistillationConfig(matches: [source], compatibility: compatibility)
      return config.resolvedMatches(teacher: teacher, student: student).flatMap(\.teacherPositions)
    }
    let match = MatchSource.match(IntermediateMatch(teacherLayer: 4, studentLayer: 1, loss: .attentionMSE))
    #expect(positions(match, nil) == [3])
    #expect(positions(match, .textbrewer) == [4])
    // The presets were made for lists with a placeholder at 0, so they name blocks either way.
    #expect(positions(.preset("L3_attention_mse"), nil) == [3, 7, 11])
    #expect(positions(.preset("L3_attention_mse"), .textbrewer) == [3, 7, 11])
    #expect(positions(.map(.uniform, loss: .attentionMSE), .textbrewer) == [3, 7, 11])
    let last = MatchSource.match(IntermediateMatch(teacherLayer: -1, studentLayer: -1))
    #expect(positions(last, nil) == [12])
  }
}
