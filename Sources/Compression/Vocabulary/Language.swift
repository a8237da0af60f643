import Tokenization

/// Language whose tokens a smaller vocabulary keeps: its code and the scripts that it is written in.
///
/// A token belongs to a language when all of its letters belong to its scripts; tokens without letters belong to every one.
/// Languages of one script are not told apart: `en` keeps the French tokens of a vocabulary too.
public struct Language: Sendable, Hashable, CustomStringConvertible {
  /// Code of the language (ISO 639-1), such as `zh`.
  public let code: String
  private let scripts: Set<Script>

  /// The language of a code; nil for one whose scripts are not known.
  public init?(_ code: String) {
    guard let scripts = Self.scripts[code.lowercased()] else { return nil }
    (self.code, self.scripts) = (code.lowercased(), scripts)
  }

  /// The code.
  public var description: String { code }

  /// The codes of all languages that are known, in order.
  public static var codes: [String] { scripts.keys.sorted() }

  /// Whether some languages are written with all letters of a token.
  static func spell(_ token: String, in languages: Set<Language>) -> Bool {
    token.unicodeScalars.allSatisfy { scalar in
      guard scalar.properties.isAlphabetic || scalar.properties.isIdeographic else { return true }
      guard let script = Script(scalar) else { return false }
      return languages.contains { $0.scripts.contains(script) }
    }
  }

  private static let scripts: [String: Set<Script>] = {
    var scripts: [String: Set<Script>] = [
      "am": [.ethiopic], "as": [.bengali], "bn": [.bengali], "bo": [.tibetan], "el": [.greek],
      "gu": [.gujarati], "he": [.hebrew], "hi": [.devanagari], "hy": [.armenian],
      "ja": [.hiragana, .katakana, .han], "ka": [.georgian], "km": [.khmer], "kn": [.kannada],
      "ko": [.hangul], "lo": [.lao], "ml": [.malayalam], "mr": [.devanagari], "my": [.myanmar],
      "ne": [.devanagari], "or": [.oriya], "pa": [.gurmukhi], "sa": [.devanagari], "si": [.sinhala],
      "sr": [.cyrillic, .latin], "ta": [.tamil], "te": [.telugu], "th": [.thai], "ti": [.ethiopic],
      "yi": [.hebrew], "zh": [.han, .bopomofo],
    ]
    let latin =
      "af az bs ca cs cy da de en eo es et eu fi fr ga gl ha hr hu id is it jv la lt lv mg ms mt nl no pl pt ro sk sl so sq su sv "
      + "sw tl tr uz vi xh yo zu"
    for code in latin.split(separator: " ") { scripts[String(code)] = [.latin] }
    for code in ["be", "bg", "kk", "ky", "mk", "mn", "ru", "tg", "uk"] { scripts[code] = [.cyrillic] }
    for code in ["ar", "fa", "ku", "ps", "sd", "ug", "ur"] { scripts[code] = [.arabic] }
    return scripts
  }()
}

/// Script of letters, by the blocks of Unicode that hold it.
private enum Script: Sendable {
  case arabic, armenian, bengali, bopomofo, cyrillic, devanagari, ethiopic, georgian, greek, gujarati,
    gurmukhi
  case han, hangul, hebrew, hiragana, kannada, katakana, khmer, lao, latin, malayalam, myanmar, oriya, sinhala
  case tamil, telugu, thai, tibetan

  /// The script of a letter; nil for one that is not among these.
  init?(_ scalar: Unicode.Scalar) {
    var (low, high) = (0, Self.blocks.count)
    while low < high {
      let middle = (low + high) / 2
      if Self.blocks[middle].range.upperBound < scalar.value { low = middle + 1 } else { high = middle }
    }
    guard low < Self.blocks.count, Self.blocks[low].range.contains(scalar.value) else { return nil }
    self = Self.blocks[low].script
  }

  /// Blocks in order.
  private static let blocks: [(range: ClosedRange<UInt32>, script: Script)] = [
    (0x0041...0x02AF, .latin), (0x0370...0x03FF, .greek), (0x0400...0x052F, .cyrillic),
    (0x0530...0x058F, .armenian), (0x0590...0x05FF, .hebrew), (0x0600...0x06FF, .arabic),
    (0x0750...0x077F, .arabic), (0x0870...0x08FF, .arabic), (0x0900...0x097F, .devanagari),
    (0x0980...0x09FF, .bengali), (0x0A00...0x0A7F, .gurmukhi), (0x0A80...0x0AFF, .gujarati),
    (0x0B00...0x0B7F, .oriya), (0x0B80...0x0BFF, .tamil), (0x0C00...0x0C7F, .telugu),
    (0x0C80...0x0CFF, .kannada), (0x0D00...0x0D7F, .malayalam), (0x0D80...0x0DFF, .sinhala),
    (0x0E00...0x0E7F, .thai), (0x0E80...0x0EFF, .lao), (0x0F00...0x0FFF, .tibetan),
    (0x1000...0x109F, .myanmar), (0x10A0...0x10FF, .georgian), (0x1100...0x11FF, .hangul),
    (0x1200...0x139F, .ethiopic), (0x1780...0x17FF, .khmer), (0x1C80...0x1C8F, .cyrillic),
    (0x1C90...0x1CBF, .georgian), (0x1D00...0x1DBF, .latin), (0x1E00...0x1EFF, .latin),
    (0x1F00...0x1FFF, .greek), (0x2C60...0x2C7F, .latin), (0x2D00...0x2D2F, .georgian),
    (0x2D80...0x2DDF, .ethiopic), (0x2DE0...0x2DFF, .cyrillic), (0x2E80...0x2FDF, .han),
    (0x3005...0x3007, .han), (0x3021...0x3029, .han), (0x3038...0x303B, .han), (0x3041...0x309F, .hiragana),
    (0x30A1...0x30FF, .katakana), (0x3105...0x312F, .bopomofo), (0x3131...0x318F, .hangul),
    (0x31A0...0x31BF, .bopomofo), (0x31F0...0x31FF, .katakana), (0x3400...0x4DBF, .han),
    (0x4E00...0x9FFF, .han), (0xA640...0xA69F, .cyrillic), (0xA720...0xA7FF, .latin),
    (0xA8E0...0xA8FF, .devanagari), (0xA960...0xA97F, .hangul), (0xAA60...0xAA7F, .myanmar),
    (0xAB00...0xAB2F, .ethiopic), (0xAB30...0xAB6F, .latin), (0xAC00...0xD7FF, .hangul),
    (0xF900...0xFAFF, .han), (0xFB00...0xFB06, .latin), (0xFB13...0xFB17, .armenian),
    (0xFB1D...0xFB4F, .hebrew), (0xFB50...0xFDFF, .arabic), (0xFE70...0xFEFC, .arabic),
    (0xFF21...0xFF5A, .latin), (0xFF66...0xFF9F, .katakana), (0xFFA0...0xFFDC, .hangul),
    (0x20000...0x323AF, .han),
  ]
}
