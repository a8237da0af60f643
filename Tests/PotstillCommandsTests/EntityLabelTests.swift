import PotstillCommands
import Tasks
import Testing

/// Labels of token classifiers as entities; expected values of labels without schemes beyond B and I are those of
/// `transformers` 5.24 (`aggregation_strategy="first"`).
@Suite struct EntityLabelTests {
  /// The entities that words with some labels make, as `TYPE first-last`.
  private func groups(_ words: [String?], labels: [String]? = nil) -> [String] {
    let labels = labels ?? Array(Set(words.compactMap { $0 })).sorted()
    return EntityLabels(labels).groups(words.map { word in word.flatMap { labels.firstIndex(of: $0) } }).map {
      "\($0.type) \($0.words.lowerBound)-\($0.words.upperBound - 1)"
    }
  }

  @Test func namesWithoutPrefixesAreTypes() {
    #expect(
      groups(["PER", "O", "ORG", "ORG", "ORG2", "PER"]) == ["PER 0-0", "ORG 2-3", "ORG2 4-4", "PER 5-5"])
    #expect(groups(["NOUN", "DET", "PUNCT", "PROPN"]) == ["NOUN 0-0", "DET 1-1", "PUNCT 2-2", "PROPN 3-3"])
    #expect(groups(["LABEL_0", "LABEL_1", "LABEL_1"]) == ["LABEL_0 0-0", "LABEL_1 1-2"])
    #expect(groups(["OUT", "OTHERPHI", "OTHERPHI", "O"]) == ["OUT 0-0", "OTHERPHI 1-2"])
    #expect(groups(["PER-B", "PER-I", "ORG-B", "O"]) == ["PER-B 0-0", "PER-I 1-1", "ORG-B 2-2"])
    #expect(groups(["B", "I", "O", "B"]) == ["B 0-0", "I 1-1", "B 3-3"])
    #expect(groups(["B_PER", "I_PER", "O"]) == ["B_PER 0-0", "I_PER 1-1"])
    #expect(groups(["", "O", ""]) == [" 0-0", " 2-2"])
    #expect(groups(["E-Mail", "S-Bahn", "S-Bahn", "O"]) == ["E-Mail 0-0", "S-Bahn 1-2"])
  }

  @Test func prefixesAreReadAsTransformersReadsThem() {
    #expect(groups(["B-PER", "I-PER", "B-PER", "O", "I-LOC"]) == ["PER 0-1", "PER 2-2", "LOC 4-4"])
    #expect(groups(["I-PER", "I-LOC", "I-LOC"]) == ["PER 0-0", "LOC 1-2"])
    #expect(groups(["B-PER", "I-LOC", "I-PER"]) == ["PER 0-0", "LOC 1-1", "PER 2-2"])
    #expect(groups(["B-LOC-city", "I-LOC-city", "ORG"]) == ["LOC-city 0-1", "ORG 2-2"])
    #expect(groups(["B-date of birth", "I-date of birth"]) == ["date of birth 0-1"])
  }

  @Test func otherSchemesMarkEnds() {
    let labels = ["O", "B-PER", "I-PER", "E-PER", "S-PER", "M-PER", "L-PER", "U-PER"]
    #expect(
      groups(["B-PER", "I-PER", "E-PER", "S-PER", "S-PER"], labels: labels) == [
        "PER 0-2", "PER 3-3", "PER 4-4",
      ])
    #expect(groups(["B-PER", "M-PER", "E-PER", "E-PER"], labels: labels) == ["PER 0-2", "PER 3-3"])
    #expect(
      groups(["B-PER", "L-PER", "U-PER", "I-PER"], labels: labels) == ["PER 0-1", "PER 2-2", "PER 3-3"])
  }

  @Test func smallLettersAreReadWhereTheOutsideIsSmall() {
    let labels = ["o", "b-per", "i-per", "e-per"]
    #expect(
      groups(["o", "b-per", "i-per", "o", "b-per", "e-per", "i-per"], labels: labels) == [
        "per 1-2", "per 4-5", "per 6-6",
      ])
    #expect(groups(["o", "b-per"], labels: ["O", "o", "b-per"]) == ["o 0-0", "b-per 1-1"])
  }

  @Test func wordsWithoutATagAreOutside() {
    #expect(groups(["B-PER", nil, "I-PER"]) == ["PER 0-0", "PER 2-2"])
  }
}
