// swift-tools-version: 6.3
import PackageDescription

// A package of its own, so that an ordinary build of Needletail neither builds nor links the fuzzer.
// `NeedleCore` here is a link to the JSON room, compiled with the fuzzer's instrumentation; a path
// dependency would not do, because `package` declarations are visible only inside one package. Built and
// run by scripts/fuzz.
let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "json-fuzz",
    targets: [
        .target(name: "CLibFuzzer", path: "CLibFuzzer"),
        .target(name: "NeedleCore", path: "NeedleCore", swiftSettings: strict),
        .executableTarget(
            name: "json-fuzz", dependencies: ["CLibFuzzer", "NeedleCore"], path: "Harness",
            swiftSettings: strict),
    ]
)
