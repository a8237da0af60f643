import Datasets
import Tasks

extension SampleLexicon {
  /// English reviews of films, hotels, restaurants, telephones and books.
  static let english = SampleLexicon(
    language: "en",
    domains: [
      Domain(
        things: things(
          "plot ending acting soundtrack dialogue first_half camera_work actors* jokes* costumes*"),
        good: words("gripping moving"), bad: words("tedious predictable"),
        neutral: [
          "we watched it on {day} with {name}", "it runs for about two hours",
          "{name} had bought the tickets",
          "the film was shot in two cities", "I saw it with {name} from work",
        ]),
      Domain(
        things: things("room bathroom breakfast lobby bed view staff pool towels* beds*"),
        good: words("clean cosy"), bad: words("dirty cramped"),
        neutral: [
          "we stayed there for three nights", "{name} booked it in spring", "we arrived on {day} by train",
          "the hotel has nine floors", "I travelled with {name} and two colleagues",
        ]),
      Domain(
        things: things("soup bread coffee dessert menu waiter fish portions* noodles* vegetables*"),
        good: words("tasty delicious"), bad: words("bland stale"),
        neutral: [
          "we had a table by the window", "{name} took us there on {day}",
          "it was my second visit with {name}",
          "the kitchen closes at ten", "we ordered three courses",
        ]),
      Domain(
        things: things("screen battery keyboard camera speaker charger software buttons* menus* headphones*"),
        good: words("fast sturdy"), bad: words("slow flimsy"),
        neutral: [
          "I bought it on {day}", "{name} uses the same model", "it arrived in a brown box",
          "I have had it for two months", "{name} from the shop set it up",
        ]),
      Domain(
        things: things(
          "story style translation cover opening last_chapter hero characters* pictures* dialogues*"),
        good: words("thoughtful vivid"), bad: words("shallow confusing"),
        neutral: [
          "I read it on the train", "{name} lent me the book", "it has about four hundred pages",
          "I finished it on {day}", "it was a present for {name}",
        ]),
    ],
    good: words("good great excellent wonderful superb lovely brilliant perfect charming impressive"),
    bad: words("bad poor awful terrible dreadful horrible weak disappointing annoying mediocre"),
    goodVerbs: verbs(
      "loved/love enjoyed/enjoy liked/like admired/admire"),
    badVerbs: verbs(
      "hated/hate disliked/dislike regretted/regret loathed/loathe"),
    intensifiers: words("very really so truly extremely incredibly"),
    names: words("Anna Tom Maria Peter Lena Oscar Nadia Felix Ruth Ivan Clara Hugo Mei Omar Julia Sven"),
    days: words("Monday Tuesday Friday Saturday Sunday"),
    article: "the ", be: ("is", "are"), was: ("was", "were"),
    clauses: [
      .plain: [
        "{thing} {be} {word}", "{thing} {was} {word}", "I found {thing} {word}",
        "{thing} seemed {word} to me",
        "I would call {thing} {word}",
      ],
      .intensified: [
        "{thing} {be} {very} {word}", "{thing} {was} {very} {word}", "I found {thing} {very} {word}",
        "in a word, {thing} {be} {very} {word}",
      ],
      .negated: [
        "{thing} {be} not {word}", "{thing} {was} not {word} at all", "I did not find {thing} {word}",
        "I do not think {thing} {be} {word}", "{thing} {was} never {word}",
      ],
      .distanced: [
        "{thing} {be} anything but {word}", "{thing} {was} far from {word}",
        "nobody would call {thing} {word}",
        "{thing} {was} hardly {word}",
      ],
      .verb: [
        "I {word} {thing}", "we all {word} {thing}", "{name} and I {word} {thing}",
        "in short, I {word} {thing}",
      ],
      .negatedVerb: [
        "I did not {word} {thing}", "we could not {word} {thing}", "{name} and I did not {word} {thing}",
        "nobody could {word} {thing}",
      ],
    ],
    structures: [
      .single: ["{b}"],
      .both: ["{a} and {b}", "{a}, and {b} too", "{a}; besides, {b}"],
      .contrast: ["{a}, but {b}", "{a}; however, {b}", "{a}, yet {b}", "{a}. Still, {b}"],
      .concessionFirst: ["although {a}, {b}", "even though {a}, {b}", "while {a}, {b}"],
      .concessionLast: ["{b}, although {a}", "{b}, even though {a}", "{b}, never mind that {a}"],
      .change: ["at first {a}, in the end {b}", "on {day} {a}, later {b}", "{a} to begin with, then {b}"],
      .hearsay: [
        "{name} told me that {a}, but {b}", "I had heard that {a}; in fact {b}", "they say {a}, yet {b}",
      ],
      .verdict: [
        "{name} says that {a}, and I agree", "{name} thinks {a}, which is true", "it is true that {a}",
      ],
    ],
    contradictions: [
      "{name} says that {a}, but I disagree", "{name} thinks {a}, which is wrong", "it is a lie that {a}",
    ],
    sentenceEnds: [".", ".", "!", " ."], gap: " ", capitalises: true)

  private static func verbs(_ text: String) -> [Verb] {
    words(text).map { pair in
      let parts = pair.split(separator: "/").map(String.init)
      return Verb(asserted: parts[0], denied: parts[1])
    }
  }
}
