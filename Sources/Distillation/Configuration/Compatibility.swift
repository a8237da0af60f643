/// Whose arithmetic a distillation follows where Potstill's own differs.
public enum Compatibility: String, Sendable, Codable, CaseIterable {
  /// TextBrewer's: no factor τ² on the KD loss, weight schedules that replace the configured weight, attention layers counted
  /// from 0 as positions in Hugging Face's list, negative attention scores wiped out unless rows are chosen, and `pkd`
  /// summed over features.
  case textbrewer
}
