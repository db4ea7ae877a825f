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
    products: [
        .executable(name: "leat", targets: ["leat"]),
        // The beginning of a library: reading a slot, and a flow from a source of batches to a sink.
        .library(name: "LeatFlow", targets: ["PGWire", "PGClient", "LeatCore", "LeatFlow"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-async-algorithms", from: "1.1.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        .systemLibrary(
            name: "CLibpq", pkgConfig: "libpq",
            providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
        .systemLibrary(
            name: "CZstd", pkgConfig: "libzstd",
            providers: [.apt(["libzstd-dev"]), .brew(["zstd"])]),
        .target(name: "CCRC32C"),
        .target(
            name: "PGWire",
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "PGClient", dependencies: ["CLibpq", "PGWire"], swiftSettings: strict),
        .target(
            name: "LeatCore",
            dependencies: ["PGWire", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: strict),
        .target(name: "LeatConfig", dependencies: ["LeatCore"], swiftSettings: strict),
        .target(
            name: "LeatArchive", dependencies: ["CZstd", "CCRC32C", "PGWire", "LeatCore"],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(
            name: "LeatFlow",
            dependencies: [
                "PGWire", "LeatCore",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        .target(
            name: "LeatCatalogs",
            dependencies: [
                "PGWire", "PGClient", "LeatCore",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "LeatAdmin",
            dependencies: ["PGWire", "PGClient", "LeatCore", "LeatCatalogs", "LeatConfig"],
            swiftSettings: strict),
        .target(
            name: "LeatEngine",
            dependencies: [
                "PGWire", "PGClient", "LeatCore", "LeatArchive", "LeatFlow", "LeatCatalogs",
                .product(name: "AsyncAlgorithms", package: "swift-async-algorithms"),
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "leat",
            dependencies: [
                "PGWire", "PGClient", "LeatCore", "LeatArchive", "LeatFlow", "LeatCatalogs",
                "LeatAdmin", "LeatConfig", "LeatEngine",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        // Damages what servers send and archives hold, and reads it; not installed.
        .target(
            name: "LeatFuzz",
            dependencies: [
                "PGWire", "LeatCore", "LeatArchive", "LeatAdmin", "LeatTestSupport",
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        // Runs a stream with servers in memory on one thread, and draws what goes wrong; not installed.
        .target(
            name: "LeatSimulator",
            dependencies: [
                "PGWire", "LeatCore", "LeatArchive", "LeatFlow", "LeatTestSupport",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        // Measures parts of the above; not installed.
        .target(name: "CAllocationCount"),
        .executableTarget(
            name: "leat-bench",
            dependencies: [
                "CAllocationCount", "PGWire", "PGClient", "LeatCore", "LeatFlow", "LeatCatalogs",
                "LeatEngine", "LeatTestSupport", "LeatFuzz", "LeatSimulator",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: strict + [.enableExperimentalFeature("Lifetimes")]),
        .target(name: "LeatTestSupport", dependencies: ["PGWire"], swiftSettings: strict),
        .testTarget(
            name: "PGWireTests", dependencies: ["PGWire", "LeatTestSupport"],
            resources: [.copy("Captures")], swiftSettings: strict),
        // An example of Leat's parts as a library; not installed.
        .executableTarget(
            name: "print-changes", dependencies: ["PGWire", "PGClient", "LeatCore"],
            path: "Docs/examples/print-changes", swiftSettings: strict),
        .testTarget(
            name: "PGClientTests",
            dependencies: ["PGClient", "PGWire", "LeatTestSupport", "print-changes"],
            swiftSettings: strict),
        .testTarget(
            name: "LeatCoreTests",
            dependencies: ["LeatAdmin", "LeatCore", "PGWire", "LeatTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LeatConfigTests", dependencies: ["LeatConfig", "LeatCore"],
            swiftSettings: strict),
        .testTarget(
            name: "LeatAdminTests",
            dependencies: ["LeatAdmin", "LeatCore", "PGWire", "LeatTestSupport"],
            swiftSettings: strict),
        .testTarget(
            name: "LeatFlowTests",
            dependencies: [
                "LeatFlow", "LeatCore", "PGWire", "LeatTestSupport", "LeatSimulator",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "MetricsTestKit", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "LeatArchiveTests",
            dependencies: [
                "LeatArchive", "CCRC32C", "LeatCore", "PGWire", "LeatTestSupport", "LeatFuzz",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: ["leat", "LeatArchive", "LeatCore", "PGWire", "LeatTestSupport"],
            swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6]
)
