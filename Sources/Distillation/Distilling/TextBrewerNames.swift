import Tasks
import Training

/// TextBrewer's `BasicDistiller`: a `GeneralDistiller` whose configuration has no matches; here it takes them as well.
public typealias BasicDistiller = GeneralDistiller

/// TextBrewer's `BasicTrainer`: training on labels alone.
public typealias BasicTrainer = TaskTrainer
