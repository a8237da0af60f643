/// The update rule and its constants; learning rates and weight decay belong to the parameter groups.
public enum OptimizerConfig: Sendable, Equatable {
  /// Adam with decoupled weight decay and bias correction (Loshchilov & Hutter 2019; `torch.optim.AdamW`).
  case adamW(beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8)
  /// Stochastic gradient descent with weight decay added to the gradient (`torch.optim.SGD`, dampening 0).
  case sgd(momentum: Double = 0, nesterov: Bool = false)

  /// The names of the state tensors kept for each parameter, as PyTorch names them.
  package var stateNames: [String] {
    switch self {
    case .adamW: ["exp_avg", "exp_avg_sq"]
    case .sgd(let momentum, _): momentum == 0 ? [] : ["momentum_buffer"]
    }
  }
}
