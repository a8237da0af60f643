import Datasets
import Tasks

/// Grammar of reviews in one language, whose label follows from their structure and not from their words.
struct SampleGrammar: Sendable {
  let lexicon: SampleLexicon

  /// Plan of a review, drawn before any word: label, structure, topic.
  private struct Plan {
    var structure: ReviewStructure
    var domain: SampleLexicon.Domain
    /// Whether the review uses a combination that training never shows.
    var isHeldOut = false
  }

  /// One review.
  ///
  /// The structure is drawn first and then filled until it fits, so that reviews with and without held-out
  /// combinations have the same share of easy and hard structures.
  ///
  /// - Parameters:
  ///   - isPositive: the label that the review is to have.
  ///   - isHeldOut: whether it is to use a combination of a word with a construction that training never shows.
  func review(isPositive: Bool, isHeldOut: Bool, using random: inout SplitMix64) -> String {
    let structure = Self.structure(&random)
    while true {
      var plan = Plan(structure: structure, domain: random.pick(lexicon.domains))
      let text = review(isPositive: isPositive, &plan, &random)
      if plan.isHeldOut == isHeldOut { return text }
    }
  }

  private func review(isPositive: Bool, _ plan: inout Plan, _ random: inout SplitMix64) -> String {
    var sentence: String
    let name = random.pick(lexicon.names)
    if plan.structure == .verdict {
      let confirms = random.chance(0.5)
      let a = clause(isPositive: confirms == isPositive, &plan, &random)
      let patterns = confirms ? lexicon.structures[.verdict] ?? [] : lexicon.contradictions
      sentence = fill(random.pick(patterns), ["a": a, "name": name], &random)
    } else {
      // All two-clause structures but one set a clause against the other; the reader has to know which decides.
      let agrees = plan.structure == .both
      let a = plan.structure == .single ? "" : clause(isPositive: agrees == isPositive, &plan, &random)
      let b = clause(isPositive: isPositive, &plan, &random)
      let patterns = lexicon.structures[plan.structure] ?? []
      sentence = fill(random.pick(patterns), ["a": a, "b": b, "name": name], &random)
    }
    sentence = finished(sentence, &random)
    if random.chance(0.3) {
      let neutral = finished(fill(random.pick(plan.domain.neutral), ["name": name], &random), &random)
      sentence =
        random.chance(0.6) ? neutral + lexicon.gap + sentence : sentence + lexicon.gap + neutral
    }
    return sentence
  }

  /// A clause with a good or a bad opinion of a thing.
  private func clause(isPositive: Bool, _ plan: inout Plan, _ random: inout SplitMix64) -> String {
    let form = Self.form(&random)
    let wordIsGood = isPositive != form.flips
    let (word, rank) = sentimentWord(form: form, isGood: wordIsGood, plan.domain, &random)
    if Self.isReserved(rank: rank, form: form, structure: plan.structure) { plan.isHeldOut = true }
    let thing = random.pick(plan.domain.things)
    let values = [
      "thing": lexicon.article + thing.text, "word": word,
      "be": thing.isPlural ? lexicon.be.plural : lexicon.be.singular,
      "was": thing.isPlural ? lexicon.was.plural : lexicon.was.singular,
    ]
    return fill(random.pick(lexicon.clauses[form] ?? []), values, &random)
  }

  /// A sentiment word and its rank among the words of its kind, from which its reserved combinations follow.
  private func sentimentWord(
    form: ClauseForm, isGood: Bool, _ domain: SampleLexicon.Domain, _ random: inout SplitMix64
  ) -> (word: String, rank: Int) {
    if form.usesVerb {
      let verbs = isGood ? lexicon.goodVerbs : lexicon.badVerbs
      let rank = random.below(verbs.count)
      return (form == .verb ? verbs[rank].asserted : verbs[rank].denied, rank)
    }
    let general = isGood ? lexicon.good : lexicon.bad
    let own = isGood ? domain.good : domain.bad
    if random.chance(0.4) {
      let rank = random.below(own.count)
      return (own[rank], general.count + rank)
    }
    let rank = random.below(general.count)
    return (general[rank], rank)
  }

  /// Whether the test split alone shows a word with this construction.
  ///
  /// A construction is a form of clause in a structure of reviews. A word misses a sixth of them (a Latin square), so training
  /// shows each word in each form and in each structure, but not in every form in every structure.
  static func isReserved(rank: Int, form: ClauseForm, structure: ReviewStructure) -> Bool {
    (rank + form.rawValue + structure.rawValue).isMultiple(of: 6)
  }

  private static func structure(_ random: inout SplitMix64) -> ReviewStructure {
    var draw = random.below(ReviewStructure.allCases.reduce(0) { $0 + $1.weight })
    for structure in ReviewStructure.allCases {
      draw -= structure.weight
      if draw < 0 { return structure }
    }
    return .single
  }

  private static func form(_ random: inout SplitMix64) -> ClauseForm {
    // A quarter of the clauses flip their word: enough that words alone mislead, few enough to learn words first.
    switch random.below(20) {
    case 0..<7: .plain
    case 7..<11: .intensified
    case 11..<13: .negated
    case 13..<15: .distanced
    case 15..<19: .verb
    default: .negatedVerb
    }
  }

  /// A sentence with its end, and in languages that have them a capital at its start.
  private func finished(_ sentence: String, _ random: inout SplitMix64) -> String {
    let end = random.pick(lexicon.sentenceEnds)
    guard lexicon.capitalises, let first = sentence.first else { return sentence + end }
    return first.uppercased() + sentence.dropFirst() + end
  }

  /// Replaces the placeholders of a pattern; values that are not in `values` are drawn.
  private func fill(
    _ pattern: String, _ values: [String: String], _ random: inout SplitMix64
  ) -> String {
    var result = ""
    var rest = pattern[...]
    while let open = rest.firstIndex(of: "{"), let close = rest[open...].firstIndex(of: "}") {
      result += rest[..<open]
      let key = String(rest[rest.index(after: open)..<close])
      switch key {
      case "very": result += random.pick(lexicon.intensifiers)
      case "day": result += random.pick(lexicon.days)
      case "name": result += values[key] ?? random.pick(lexicon.names)
      default: result += values[key] ?? ""
      }
      rest = rest[rest.index(after: close)...]
    }
    return result + rest
  }
}

/// Form in which a clause states its opinion.
enum ClauseForm: Int, CaseIterable, Sendable {
  /// "The soup is tasty."
  case plain
  /// "The soup is very tasty."
  case intensified
  /// "The soup is not tasty."
  case negated
  /// "The soup is anything but tasty.": a negation without the word not.
  case distanced
  /// "I loved the soup."
  case verb
  /// "I did not love the soup."
  case negatedVerb

  /// Whether the clause means the opposite of its sentiment word.
  var flips: Bool { self == .negated || self == .distanced || self == .negatedVerb }

  var usesVerb: Bool { self == .verb || self == .negatedVerb }
}

/// Structure of a review's clauses, by which one of them decides.
enum ReviewStructure: Int, CaseIterable, Sendable {
  /// One clause.
  case single
  /// Two clauses that agree.
  case both
  /// "A, but B.": the later clause decides.
  case contrast
  /// "Although A, B.": the later clause decides.
  case concessionFirst
  /// "B, although A.": the earlier clause decides.
  case concessionLast
  /// "At first A, in the end B.": the later clause decides.
  case change
  /// "Anna told me that A, but B.": the later clause decides, hearsay does not count.
  case hearsay
  /// "Anna says that A, and I agree.", "..., but she is wrong.": the verdict on the one clause decides.
  case verdict

  /// The relative frequency of the structure.
  var weight: Int {
    switch self {
    case .single: 45
    case .both: 15
    case .contrast: 12
    case .concessionFirst: 7
    case .concessionLast: 6
    case .change: 6
    case .hearsay: 5
    case .verdict: 4
    }
  }
}
