// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// One library target and its test target; dependencies point down only.
///
/// Tests must name every module they import: a build is otherwise not told to compile them again when it changes.
func library(_ name: String, _ dependencies: [Target.Dependency], testsOnly: [Target.Dependency] = [])
  -> [Target]
{
  [
    .target(name: name, dependencies: dependencies, swiftSettings: settings),
    .testTarget(
      name: name + "Tests",
      dependencies: [.target(name: name), "TestSupport"] + dependencies + testsOnly,
      swiftSettings: settings),
  ]
}

let argumentParser: Target.Dependency = .product(
  name: "ArgumentParser", package: "swift-argument-parser")
let yams: Target.Dependency = .product(name: "Yams", package: "Yams")

// On Linux the headers and the library lie where the compiler looks anyway; asking pkg-config would only add a warning.
#if os(Linux)
  let utf8procConfig: String? = nil
#else
  let utf8procConfig: String? = "libutf8proc"
#endif

let package = Package(
  name: "Potstill",
  products: [
    .library(name: "Potstill", targets: ["Potstill"]),
    .executable(name: "potstill", targets: ["PotstillTool"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
  ],
  targets: [
    .target(name: "CKernels"),
    .systemLibrary(
      name: "CUtf8proc", pkgConfig: utf8procConfig,
      providers: [.apt(["libutf8proc-dev"]), .brew(["utf8proc"])]),
    .executableTarget(
      name: "PotstillTool", dependencies: ["PotstillCommands"], swiftSettings: settings),
    .target(name: "PotstillExamples", dependencies: ["Potstill"], path: "Examples", swiftSettings: settings),
    .testTarget(
      name: "ExamplesTests", dependencies: ["PotstillExamples", "Potstill", "TestSupport"],
      path: "Tests/ExamplesTests", swiftSettings: settings),
    .target(
      name: "TestSupport", dependencies: ["Kernels", "Tensors", "ModelFormats"], path: "Tests/TestSupport",
      swiftSettings: settings),
  ]
    + library("Kernels", ["CKernels"])
    + library("Tensors", ["Kernels"], testsOnly: ["ModelFormats"])
    + library("Tokenization", ["Kernels", "ModelFormats"])
    + library("ModelFormats", ["Kernels", yams])
    + library("Encoders", ["Kernels", "Tensors", "Tokenization", "ModelFormats"])
    + library("Datasets", ["Kernels", "Tokenization", "ModelFormats"], testsOnly: ["Tasks"])
    + library("Evaluation", ["ModelFormats"], testsOnly: ["Datasets", "Tasks"])
    + library(
      "Training",
      [
        "Encoders", "Tensors", "Kernels", "Datasets", "Tokenization", "Evaluation",
        "ModelFormats",
      ], testsOnly: ["Tasks"])
    + library(
      "Tasks",
      [
        "Training", "Encoders", "Tensors", "Kernels", "Datasets", "Tokenization", "Evaluation",
        "ModelFormats", yams,
      ])
    + library(
      "Distillation",
      [
        "Tasks", "Training", "Encoders", "Tensors", "Kernels", "Tokenization", "Datasets", "Evaluation",
        "ModelFormats",
      ])
    + library(
      "Potstill",
      [
        "Kernels", "Tensors", "Tokenization", "ModelFormats", "Encoders", "Datasets", "Evaluation",
        "Training", "Tasks", "Distillation",
      ])
    + library("Terminal", ["Tasks", "ModelFormats", "CUtf8proc"])
    + library(
      "PotstillDemo",
      ["Distillation", "Tasks", "Training", "Encoders", "Datasets", "Tokenization", "ModelFormats"])
    + library(
      "PotstillCommands",
      [
        "Potstill", "PotstillDemo", "Tasks", "Kernels", "Tensors", "Tokenization", "ModelFormats", "Encoders",
        "Datasets",
        "Evaluation", "Training", "Distillation", "Terminal", argumentParser, yams,
      ],
      // Its tests run the program itself.
      testsOnly: ["PotstillTool"])
)
