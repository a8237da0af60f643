/// The shape of the learning rate over a run, spelt as `transformers` spells `lr_scheduler_type`.
public enum SchedulerType: String, Codable, CaseIterable, Sendable {
  /// Down to 0 in a straight line after the warm-up.
  case linear
  /// Along a cosine after the warm-up; half a wave, down to 0, unless `num_cycles` says otherwise.
  case cosine
  /// The same rate throughout; warm-up settings are ignored.
  case constant
  /// The same rate throughout after the warm-up.
  case constantWithWarmup = "constant_with_warmup"
  /// Down to `lr_end` along a power of the remaining share of the run.
  case polynomial
}
