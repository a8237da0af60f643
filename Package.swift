// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

/// One library target and its test target; dependencies point down only.
///
/// Tests must name every module they import: a build is otherwise not told to compile them again when it changes.
func library(
  _ name: String, _ dependencies: [Target.Dependency], testsOnly: [Target.Dependency] = [],
  resources: [Resource] = []
) -> [Target] {
  [
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: settings),
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

/// Whether the program brings Swift's runtime with it (`make build`).
///
/// The flags are those of the program's own small target alone, so that all others are built once for programs with and
/// without. SwiftPM's `--static-swift-stdlib` would build them twice.
#if os(Linux)
  let isStatic = Context.environment["POTSTILL_STATIC"] == "1"
#else
  let isStatic = false
#endif

/// Flags of linking a program that brings what it needs: Swift's runtime, and utf8proc where its archive is in a folder of its own.
let programLinking: [LinkerSetting] =
  isStatic
  ? [
    .unsafeFlags(["-static-stdlib"] + (Context.environment["POTSTILL_ARCHIVES"].map { ["-L", $0] } ?? []))
  ] : []

/// The program of the fuzz targets (`make fuzz`), which links libFuzzer and so is there only when it is asked for.
///
/// It is no package of its own: its targets read what is visible in this package alone.
let fuzzing: [Target] =
  Context.environment["POTSTILL_FUZZ"] == "1"
  ? [
    .executableTarget(
      name: "FuzzRunner", dependencies: ["FuzzTargets", "Kernels"], path: "Fuzz/Runner",
      swiftSettings: settings + [.unsafeFlags(["-parse-as-library"])])
  ] : []

/// The umbrella library and what it exports.
let exported: [Target.Dependency] = [
  "Potstill", "Tensors", "Encoders", "Datasets", "Evaluation", "Training", "Tasks", "Compression", "Exports",
  "Reports",
  "Distillation", "CompressionSearch", "Hub",
]

let package = Package(
  name: "Potstill",
  products: [
    .library(name: "Potstill", targets: ["Potstill"]),
    .executable(name: "potstill", targets: ["PotstillTool"]),
    // A product of its own: what it stands on takes longer to build than all else.
    .executable(name: "potstill-serve", targets: ["ServeTool"]),
  ] + fuzzing.map { .executable(name: "potstill-fuzz", targets: [$0.name]) },
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.0"),
    .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.0"),
  ],
  targets: [
    .target(name: "CKernels"),
    .target(name: "CCurl"),
    .systemLibrary(
      name: "CUtf8proc", pkgConfig: utf8procConfig,
      providers: [.apt(["libutf8proc-dev"]), .brew(["utf8proc"])]),
    // The commit that is built, as `make build` says it; SwiftPM's own answer to that is one of an earlier build.
    .target(
      name: "CBuild",
      cSettings: [.define("POTSTILL_COMMIT", to: "\"\(Context.environment["POTSTILL_COMMIT"] ?? "")\"")]),
    .executableTarget(
      name: "PotstillTool", dependencies: ["PotstillCommands", "CBuild"],
      swiftSettings: settings + (isStatic ? [.unsafeFlags(["-static-stdlib"])] : []),
      linkerSettings: programLinking),
    .executableTarget(
      name: "ServeTool",
      dependencies: ["Serving", "PotstillCommands", "CommandOptions", "Terminal", "Tasks", "CBuild"],
      swiftSettings: settings + (isStatic ? [.unsafeFlags(["-static-stdlib"])] : []),
      linkerSettings: programLinking),
    .target(
      name: "Serving",
      dependencies: [
        "Tasks", "Encoders", "Tokenization", "ModelFormats",
        .product(name: "Hummingbird", package: "hummingbird"),
      ],
      resources: [.embedInCode("Files/openapi.json"), .embedInCode("Files/playground.html")],
      swiftSettings: settings),
    .testTarget(
      name: "ServingTests",
      dependencies: [
        "Serving", "Tasks", "Encoders", "Datasets", "Tokenization", "ModelFormats", "TestSupport",
      ],
      swiftSettings: settings),
    // Its folder `tasks` is a link to that of the package, since resources lie below the folder of their target.
    .target(name: "TaskFiles", resources: [.embedInCode("tasks")], swiftSettings: settings),
    // They import `Potstill` alone; the others are named so that a change in one of them compiles both again.
    .target(
      name: "PotstillExamples", dependencies: exported, path: "Examples", swiftSettings: settings),
    .testTarget(
      name: "ExamplesTests", dependencies: ["PotstillExamples", "TestSupport"] + exported,
      path: "Tests/ExamplesTests", swiftSettings: settings),
    // Its tests are those of the commands that take the options.
    .target(
      name: "CommandOptions",
      dependencies: [
        "Distillation", "Tasks", "Training", "Cluster", "Encoders", "Datasets", "Kernels", "ModelFormats",
        "Terminal", argumentParser,
      ], swiftSettings: settings),
    // What `make fuzz` and the tests give foreign bytes to.
    .target(
      name: "FuzzTargets",
      dependencies: [
        "PotstillCommands", "CommandOptions", "Distillation", "Tasks", "Training", "Datasets", "Encoders",
        "Tokenization", "Tensors", "ModelFormats",
      ], path: "Fuzz/Targets", swiftSettings: settings),
    .testTarget(
      name: "FuzzTargetsTests", dependencies: ["FuzzTargets", "TestSupport"], swiftSettings: settings),
    // Tests reach no network: it sets the variable for that before any of them begins.
    .target(name: "COffline", path: "Tests/COffline"),
    .target(
      name: "TestSupport", dependencies: ["Kernels", "Tensors", "ModelFormats", "COffline"],
      path: "Tests/TestSupport",
      swiftSettings: settings),
  ]
    + fuzzing
    + library("Kernels", ["CKernels"])
    + library("Tensors", ["Kernels"], testsOnly: ["ModelFormats"])
    + library("Cluster", ["Kernels", "Tensors"])
    + library("Tokenization", ["Kernels", "ModelFormats"])
    + library("ModelFormats", ["Kernels", yams])
    + library("Hub", ["CCurl", "ModelFormats"])
    + library("Encoders", ["Kernels", "Tensors", "Tokenization", "ModelFormats"])
    + library("Datasets", ["Kernels", "Tokenization", "ModelFormats"], testsOnly: ["Tasks"])
    + library("Evaluation", ["ModelFormats"], testsOnly: ["Datasets", "Tasks"])
    + library(
      "Training",
      [
        "Cluster", "Encoders", "Tensors", "Kernels", "Datasets", "Tokenization", "Evaluation",
        "ModelFormats",
      ], testsOnly: ["Tasks"])
    + library(
      "Tasks",
      [
        "Training", "Cluster", "Encoders", "Tensors", "Kernels", "Datasets", "Tokenization", "Evaluation",
        "ModelFormats", "Hub", "TaskFiles", yams,
      ])
    + library(
      "Compression",
      ["Tasks", "Training", "Encoders", "Tensors", "Kernels", "Datasets", "Tokenization", "ModelFormats"])
    + library(
      "Exports", ["Tasks", "Encoders", "Tokenization", "ModelFormats"], testsOnly: ["Kernels", "Tensors"])
    + library(
      "Reports",
      [
        "Tasks", "Training", "Encoders", "Tensors", "Kernels", "Tokenization", "Datasets", "Evaluation",
        "ModelFormats",
      ],
      resources: [.embedInCode("page")])
    + library(
      "Distillation",
      [
        "Reports", "Compression", "Tasks", "Training", "Cluster", "Encoders", "Tensors", "Kernels",
        "Tokenization", "Datasets",
        "Evaluation",
        "ModelFormats",
      ])
    + library(
      "CompressionSearch",
      [
        "Distillation", "Compression", "Tasks", "Training", "Evaluation", "Encoders", "Kernels",
        "Tokenization", "Datasets", "ModelFormats",
      ])
    + library(
      "Potstill",
      [
        "Kernels", "Tensors", "Cluster", "Tokenization", "ModelFormats", "Encoders", "Datasets", "Evaluation",
        "Training", "Tasks", "Compression", "Exports", "Reports", "Distillation", "CompressionSearch", "Hub",
      ], testsOnly: ["FuzzTargets"])
    + library("Terminal", ["Distillation", "Tasks", "Training", "Evaluation", "ModelFormats", "CUtf8proc"])
    + library(
      "PotstillDemo",
      ["Distillation", "Tasks", "Training", "Encoders", "Datasets", "Tokenization", "ModelFormats"])
    + library(
      "PotstillCommands",
      [
        "Potstill", "PotstillDemo", "CommandOptions", "Exports", "Reports", "Tasks", "Kernels", "Cluster",
        "Tensors",
        "Tokenization",
        "ModelFormats", "Encoders",
        "Datasets",
        "Evaluation", "Training", "Compression", "CompressionSearch", "Distillation", "Hub", "Terminal",
        argumentParser, yams,
      ],
      // Its tests run the program itself.
      testsOnly: ["PotstillTool", "TaskFiles", "FuzzTargets"])
)
