import Datasets
import Tasks

/// The words and sentence patterns of one language.
///
/// Patterns hold placeholders in braces: `{thing}`, `{word}` (the sentiment word), `{very}`, `{name}`, `{day}`, `{be}` and
/// `{was}` (agreeing with the thing), and, where clauses are put together, `{a}` and `{b}`.
struct SampleLexicon: Sendable {
  /// Topic of reviews, with the words that suit only it.
  struct Domain: Sendable {
    var things: [Thing]
    var good: [String]
    var bad: [String]
    /// Sentences that say nothing about quality.
    var neutral: [String]
  }

  struct Thing: Sendable {
    var text: String
    var isPlural = false
  }

  /// Verb in the forms of a statement and of a negation ("loved", "love").
  struct Verb: Sendable {
    var asserted: String
    var denied: String
  }

  var language: String
  var domains: [Domain]
  var good: [String]
  var bad: [String]
  var goodVerbs: [Verb]
  var badVerbs: [Verb]
  var intensifiers: [String]
  var names: [String]
  var days: [String]
  /// The article that goes before a thing, or nothing.
  var article: String
  var be: (singular: String, plural: String)
  var was: (singular: String, plural: String)
  var clauses: [ClauseForm: [String]]
  var structures: [ReviewStructure: [String]]
  /// Patterns of `verdict` that contradict `{a}`; those in `structures` confirm it.
  var contradictions: [String]
  var sentenceEnds: [String]
  /// Separator of two sentences.
  var gap: String
  var capitalises: Bool
}

extension SampleLexicon {
  static func things(_ text: String) -> [Thing] {
    text.split(separator: " ").map { word in
      // A star marks a plural; an underscore stands for a space inside a thing.
      let plain = word.filter { $0 != "*" }.replacing("_", with: " ")
      return Thing(text: String(plain), isPlural: word.hasSuffix("*"))
    }
  }

  static func words(_ text: String) -> [String] {
    text.split(separator: " ").map { String($0.replacing("_", with: " ")) }
  }
}
