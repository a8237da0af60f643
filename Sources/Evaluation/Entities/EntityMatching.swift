/// How predicted entities are compared with the true ones.
public enum EntityMatching: Sendable, Hashable {
  /// As conlleval.pl and `seqeval` by default: any well or ill formed tags, read by `Entity.lenient`.
  case lenient
  /// As `seqeval` with `mode="strict"`: only entities that keep to the scheme; nil takes the scheme that the prefixes
  /// of the true tags show.
  case strict(TagScheme?)
}
