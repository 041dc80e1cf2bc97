// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target is built alike: language mode 6, imports internal by default, lifetimes for borrowed
/// spans.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let nio: [Target.Dependency] = [
    .product(name: "NIOCore", package: "swift-nio"),
    .product(name: "NIOPosix", package: "swift-nio"),
]
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")
/// HTTP/1.1 behind the side door of the server.
let http: [Target.Dependency] = [
    .product(name: "HTTPTypes", package: "swift-http-types"),
    .product(name: "HummingbirdCore", package: "hummingbird"),
    .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
]
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let histogram = Target.Dependency.product(name: "Histogram", package: "hdrhistogram-swift")
let toml = Target.Dependency.product(name: "TOMLKit", package: "TOMLKit")

/// A room: a library of the house. Imports go strictly downward, in the order in which rooms are listed here.
func room(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .target(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

func program(
    _ name: String, _ dependencies: [Target.Dependency], path: String? = nil, exclude: [String] = []
) -> Target {
    .executableTarget(
        name: name, dependencies: dependencies, path: path, exclude: exclude, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: exclude, swiftSettings: strict)
}

let package = Package(
    name: "needletail",
    products: [
        .executable(name: "needletaild", targets: ["needletaild"]),
        .executable(name: "needletail", targets: ["needletail"]),
        .library(name: "NeedleClient", targets: ["NeedleClient"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.34.1"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
        // Without reading its configuration from files of its own.
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    ],
    targets: [
        .target(name: "CNeedleKernels"),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        room("NeedleCore", []),
        room("NeedleVectors", ["NeedleCore", "CNeedleKernels"]),
        room("NeedlePayloads", ["NeedleCore"]),
        room("NeedleStorage", ["NeedleCore", "CNeedleKernels", "CLZ4", crypto]),
        room("NeedleEmbedding", ["NeedleCore", "CNeedleKernels", crypto]),
        room("NeedleWire", ["NeedleCore"]),
        room("NeedleEngine", ["NeedleCore", "NeedleVectors", "NeedlePayloads", "NeedleStorage"]),
        room("NeedleClient", ["NeedleCore", logging, tls] + nio, exclude: ["NeedleClient.docc"]),
        room(
            "NeedleServer",
            ["NeedleCore", "NeedleVectors", "NeedleWire", "NeedleEngine", logging, toml, crypto, tls] + nio
                + http),
        room("NeedleOffline", ["NeedleCore", "NeedleStorage", "NeedleEngine"]),
        room("NeedletailCommand", ["NeedleClient", "NeedleOffline", arguments, crypto]),
        program(
            "needletaild",
            [
                "NeedleServer", "NeedleEngine", "NeedleEmbedding", "NeedleStorage", "NeedleCore", arguments,
                logging,
            ]),
        program("needletail", ["NeedletailCommand"]),
        .target(name: "VectorFiles", path: "Benchmarks/VectorFiles", swiftSettings: strict),
        program(
            "recall-benchmark", ["NeedleCore", "NeedleVectors", "VectorFiles"], path: "Benchmarks/Recall"),
        program(
            "delivered-recall", ["NeedleCore", "NeedleStorage", "NeedleEngine", "VectorFiles"],
            path: "Benchmarks/DeliveredRecall"),
        program(
            "filtered-benchmark", ["NeedleCore", "NeedleStorage", "NeedleEngine", "VectorFiles"],
            path: "Benchmarks/Filters/Engine"),
        program(
            "reopen-benchmark", ["NeedleCore", "NeedleStorage", "NeedleEngine", "VectorFiles"],
            path: "Benchmarks/Reopen"),
        program(
            "micro-benchmark", ["NeedleCore", "NeedleVectors", "NeedleWire", "CNeedleKernels"],
            path: "Benchmarks/Micro"),
        .target(
            name: "TextFiles", dependencies: ["NeedleCore"], path: "Benchmarks/TextFiles",
            swiftSettings: strict),
        program(
            "keyword-benchmark", ["NeedleCore", "NeedlePayloads", "TextFiles"], path: "Benchmarks/Keywords"),
        program(
            "hybrid-benchmark",
            ["NeedleCore", "NeedlePayloads", "NeedleEmbedding", "VectorFiles", "TextFiles"],
            path: "Benchmarks/Hybrid", exclude: ["queries.jsonl", "served.py"]),
        program(
            "embedding-benchmark", ["NeedleCore", "NeedleEmbedding", "TextFiles"],
            path: "Benchmarks/Embedding", exclude: ["compare.py"]),
        program("field-benchmark", ["NeedleCore", "NeedlePayloads"], path: "Benchmarks/Fields"),
        program("server-benchmark", ["NeedleCore", histogram], path: "Benchmarks/Server/Load"),
        program("synthetic-vectors", ["NeedleCore"], path: "Benchmarks/Synthetic"),
        program(
            "snapshot-benchmark", ["NeedleCore", "NeedleStorage", "NeedleEngine"],
            path: "Benchmarks/Snapshots"),

        .target(
            name: "SimulationKit", dependencies: ["NeedleCore"], path: "Tests/SimulationKit",
            swiftSettings: strict),
        .target(
            name: "WireKit", dependencies: ["NeedleCore"], path: "Tests/WireKit", swiftSettings: strict),
        tests("NeedleCoreTests", ["NeedleCore"]),
        tests("NeedleVectorsTests", ["NeedleVectors", "NeedleCore", "CNeedleKernels"]),
        tests("NeedlePayloadsTests", ["NeedlePayloads", "NeedleCore"], exclude: ["Fixtures"]),
        tests("NeedleStorageTests", ["NeedleStorage", "NeedleCore", "SimulationKit"], exclude: ["Fixtures"]),
        tests(
            "NeedleEmbeddingTests", ["NeedleEmbedding", "NeedleCore", "CNeedleKernels", "SimulationKit"],
            exclude: ["Fixtures"]),
        tests("NeedleWireTests", ["NeedleWire", "NeedleCore", "WireKit"]),
        tests("NeedleEngineTests", ["NeedleEngine", "NeedleCore", "NeedleStorage", "SimulationKit"]),
        tests("NeedleSimulationTests", ["NeedleEngine", "NeedleCore", "NeedleStorage", "SimulationKit"]),
        tests(
            "NeedleOfflineTests",
            ["NeedleOffline", "NeedleEngine", "NeedleCore", "NeedleStorage", "SimulationKit"]),
        tests("NeedleClientTests", ["NeedleClient", "NeedleWire", "NeedleCore", "WireKit"] + nio),
        tests("NeedletailCommandTests", ["NeedletailCommand", "NeedleClient", arguments]),
        tests(
            "NeedleServerTests",
            ["NeedleServer", "NeedleCore", "NeedleWire", "NeedleEngine", "NeedleStorage", logging] + nio),
        tests(
            "NeedleEndToEndTests", ["NeedleClient", "NeedleCore", "WireKit", "needletaild", "needletail"],
            exclude: ["Certificates"]),
    ]
)
