import Testing

/// Every test of this target, one after the other: one of them changes the number of threads, on which the last bits of
/// a matrix product depend, and others compare bits.
@Suite("Training", .serialized)
enum TrainingSuite {}
