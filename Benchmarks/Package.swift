// swift-tools-version: 6.2
import PackageDescription

// A package of its own, so that users of Potstill never resolve or build what only measuring needs.
let package = Package(
  name: "PotstillBenchmarks",
  products: [.executable(name: "potstill-bench", targets: ["PotstillBenchmarks"])],
  dependencies: [.package(name: "Potstill", path: "..")],
  targets: [
    .target(name: "BenchmarkHarness"),
    .executableTarget(
      name: "PotstillBenchmarks",
      dependencies: ["BenchmarkHarness", .product(name: "Potstill", package: "Potstill")]),
  ]
)
