// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let package = Package(
    name: "leat",
    targets: [
        .target(
            name: "PGWire",
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "LeatTestSupport", dependencies: ["PGWire"], swiftSettings: strict),
        .testTarget(
            name: "PGWireTests", dependencies: ["PGWire", "LeatTestSupport"],
            resources: [.copy("Captures")], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
