/// The values inside a model that somebody wants to see, by name, and what a pass has kept of them.
///
/// A module keeps its own output under its own name, such as `encoder.layer.3.attention.output`, if that is wanted; what nobody
/// asks for is neither kept nor computed. Attention maps have names too: `encoder.layer.3.attention.scores`.
public final class Taps {
  /// The names that are wanted.
  public let names: Set<String>
  /// The values that were kept, by name.
  public private(set) var values: [String: Tensor] = [:]
  /// The attention maps that were kept, by name.
  public private(set) var maps: [String: AttentionMaps] = [:]

  /// Taps that have kept nothing yet.
  public init(_ names: some Sequence<String>) { self.names = Set(names) }

  /// Whether a value is wanted.
  public func wants(_ name: String) -> Bool { names.contains(name) }

  /// Whether one of some values is wanted.
  public func wants(anyOf names: some Sequence<String>) -> Bool { names.contains(where: wants) }

  /// Keeps a value if it is wanted.
  public func keep(_ value: Tensor, as name: String) {
    if wants(name) { values[name] = value }
  }

  /// Keeps what is wanted of what others have kept.
  package func keep(_ other: Taps) {
    for (name, value) in other.values { keep(value, as: name) }
    for (name, maps) in other.maps { keep(maps, as: name) }
  }

  /// Keeps attention maps if they are wanted; nil was not computed.
  public func keep(_ maps: AttentionMaps?, as name: String) {
    if let maps, wants(name) { self.maps[name] = maps }
  }
}
