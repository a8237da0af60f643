/// Normaliser to Unicode's form C, `NFC` of `tokenizers`.
struct NFCNormalizer: UnicodeFormNormalizer {
  static let type = "NFC"
  static let (isCompatible, composes) = (false, true)
}

/// Normaliser to Unicode's form D, `NFD` of `tokenizers`.
struct NFDNormalizer: UnicodeFormNormalizer {
  static let type = "NFD"
  static let (isCompatible, composes) = (false, false)
}

/// Normaliser to Unicode's form KC, `NFKC` of `tokenizers`.
struct NFKCNormalizer: UnicodeFormNormalizer {
  static let type = "NFKC"
  static let (isCompatible, composes) = (true, true)
}

/// Normaliser to Unicode's form KD, `NFKD` of `tokenizers`.
struct NFKDNormalizer: UnicodeFormNormalizer {
  static let type = "NFKD"
  static let (isCompatible, composes) = (true, false)
}

/// Normaliser to one of Unicode's forms (Unicode Standard Annex 15).
protocol UnicodeFormNormalizer: Normalizer, MemberlessComponent {
  /// Whether characters become what they are compatible with, not only what they are the same as.
  static var isCompatible: Bool { get }
  /// Whether what was decomposed is composed again.
  static var composes: Bool { get }
}

extension UnicodeFormNormalizer {
  func normalize(_ text: inout ChainText) {
    // ASCII is its own form in all of them.
    if text.text.bytes.allSatisfy({ $0 < 0x80 }) { return }
    text.transform { source, rewriter in
      var parts: [UInt32] = []
      var composer = Self.composes ? ScalarComposer() : nil
      var run = ReorderedRun()
      func hand(_ items: [ReorderedRun.Item]) {
        for item in items {
          let change = item.begins ? 0 : 1
          if composer != nil {
            composer?.push(item.scalar, change, item.combiningClass, &rewriter)
          } else {
            rewriter.append(item.scalar, change: change)
          }
        }
      }
      source.forEachScalar { scalar, _ in
        parts.removeAll(keepingCapacity: true)
        UnicodeFormTables.shared.decompose(scalar, compatibly: Self.isCompatible, into: &parts)
        for (index, part) in parts.enumerated() {
          let combiningClass = UnicodeTables.shared.combiningClass(of: part)
          if combiningClass == 0 {
            hand(run.items)
            run.removeAll()
          }
          run.insert(part, combiningClass, begins: index == 0)
        }
      }
      hand(run.items)
      composer?.finish(&rewriter)
    }
  }
}

/// Scalars between two that begin characters, in canonical order.
struct ReorderedRun {
  /// A scalar of a decomposition.
  struct Item {
    var scalar: UInt32
    var combiningClass: UInt32
    /// Whether it is the first of its decomposition.
    var begins: Bool
  }

  private(set) var items: [Item] = []

  /// Adds a scalar behind those of no higher class.
  mutating func insert(_ scalar: UInt32, _ combiningClass: UInt32, begins: Bool) {
    // Insertion keeps the order of equal classes; runs of marks are short.
    var place = items.count
    while place > 0, items[place - 1].combiningClass > combiningClass { place -= 1 }
    items.insert(Item(scalar: scalar, combiningClass: combiningClass, begins: begins), at: place)
  }

  mutating func removeAll() { items.removeAll(keepingCapacity: true) }
}

/// Composer of decomposed scalars, which counts what it puts together as removed behind what it becomes.
private struct ScalarComposer {
  /// The scalar that others may join.
  private var composee: (scalar: UInt32, change: Int)?
  /// Those that did not, behind it.
  private var buffer: [(scalar: UInt32, change: Int)] = []
  /// The class of the last of them.
  private var lastClass: UInt32?

  /// Takes the next scalar.
  mutating func push(
    _ scalar: UInt32, _ change: Int, _ combiningClass: UInt32, _ rewriter: inout TextRewriter
  ) {
    guard let base = composee else {
      if combiningClass != 0 {
        rewriter.append(scalar, change: change)
      } else {
        composee = (scalar, change)
      }
      return
    }
    let isBlocked = lastClass.map { $0 >= combiningClass } ?? false
    if !isBlocked, let composed = UnicodeFormTables.shared.composed(base.scalar, scalar) {
      composee = (composed, base.change + change - 1)
      return
    }
    if combiningClass == 0 {
      finish(&rewriter)
      composee = (scalar, change)
      return
    }
    buffer.append((scalar, change))
    lastClass = combiningClass
  }

  /// Hands on what is held.
  mutating func finish(_ rewriter: inout TextRewriter) {
    if let composee { rewriter.append(composee.scalar, change: composee.change) }
    for item in buffer { rewriter.append(item.scalar, change: item.change) }
    buffer.removeAll(keepingCapacity: true)
    (composee, lastClass) = (nil, nil)
  }
}
