// swift-tools-version: 6.3
import PackageDescription

/// Every Swift target is built alike: language mode 6, imports internal by default, lifetimes for borrowed spans.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

let package = Package(
    name: "needletail",
    products: [],
    dependencies: [],
    targets: [
        .target(name: "NeedleCore", swiftSettings: strict)
    ]
)
