// swift-tools-version: 6.2
import PackageDescription

// Every target of ours is compiled with the same strictness; CI adds `-Xswiftc -warnings-as-errors`.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    // Run-time exclusivity checks cost 7% of the hot path; tests run in debug, where they stay on.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

let package = Package(
    name: "digital-egiz",
    products: [
        .executable(name: "egiz", targets: ["egiz"]),
        // For packages that bring processor kinds of their own; docs/custom-kinds.md.
        .library(name: "EgizTwin", targets: ["EgizTwin"]),
        .library(name: "EgizCore", targets: ["EgizCore"]),
        .library(name: "EgizProcessors", targets: ["EgizProcessors"]),
        .library(name: "EgizCommandLine", targets: ["EgizCommandLine"]),
        .library(name: "EgizTesting", targets: ["EgizTesting", "EgizTopologyTest", "EgizTopologyFile"]),
        .executable(name: "zonesun-simulator", targets: ["ZonesunSimulator"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(
            url: "https://github.com/apple/swift-configuration", from: "1.4.0",
            traits: ["YAML"]),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/swift-server/async-http-client.git", from: "1.37.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
    ],
    targets: [
        // C and C++ behind module maps, nothing else.
        .systemLibrary(
            name: "CRdkafka", pkgConfig: "rdkafka", providers: [.apt(["librdkafka-dev"])]),
        .systemLibrary(name: "CPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
        .target(
            name: "CSimdjson",
            cxxSettings: [.unsafeFlags(["-O2"])],
            linkerSettings: [.linkedLibrary("simdjson")]),

        // Pure: no Foundation, no async, no I/O, no clock.
        .target(name: "EgizTwin", dependencies: ["CSimdjson"], swiftSettings: strict),
        .target(
            name: "EgizCore", dependencies: ["EgizTwin", .product(name: "HeapModule", package: "swift-collections")],
            swiftSettings: strict),
        .target(
            name: "EgizProcessors", dependencies: ["EgizCore", "EgizTwin"], swiftSettings: strict),
        .target(
            name: "EgizTopologyFile",
            dependencies: ["EgizCore", "EgizTwin", .product(name: "Yams", package: "Yams")],
            swiftSettings: strict),

        // The shell.
        .target(
            name: "EgizRuntime",
            dependencies: [
                "EgizCore", "EgizTwin", "EgizProcessors",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "DequeModule", package: "swift-collections"),
            ],
            swiftSettings: strict),
        .target(
            name: "EgizKafka",
            dependencies: [
                "CRdkafka", "EgizRuntime", "EgizCore", "EgizTwin",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "EgizPostgres",
            dependencies: [
                "CPQ", "CLZ4", "EgizRuntime", "EgizCore", "EgizTwin",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .target(
            name: "EgizOutbound",
            dependencies: [
                "EgizRuntime", "EgizCore",
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .target(
            name: "EgizHTTP",
            dependencies: [
                "CZlib", "EgizRuntime", "EgizPostgres", "EgizProcessors", "EgizCore", "EgizTwin",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "CryptoExtras", package: "swift-crypto"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Metrics", package: "swift-metrics"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            swiftSettings: strict),
        .target(
            name: "EgizTesting",
            dependencies: ["EgizRuntime", "EgizCore", "EgizTwin", "EgizProcessors"],
            swiftSettings: strict),
        .target(
            name: "EgizTopologyTest",
            dependencies: ["EgizTesting", "EgizTopologyFile", "EgizRuntime", "EgizProcessors", "EgizCore", "EgizTwin"],
            swiftSettings: strict),
        // The program, as a library: others build their own with kinds of their own.
        .target(
            name: "EgizCommandLine",
            dependencies: [
                "EgizCore", "EgizProcessors", "EgizTopologyFile", "EgizTopologyTest", "EgizRuntime", "EgizKafka",
                "EgizPostgres", "EgizHTTP", "EgizOutbound", "EgizTwin",
                .product(name: "Yams", package: "Yams"),
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Configuration", package: "swift-configuration"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
                .product(name: "UnixSignals", package: "swift-service-lifecycle"),
                .product(name: "Metrics", package: "swift-metrics"),
            ],
            swiftSettings: strict),
        .executableTarget(
            name: "egiz", dependencies: ["EgizCommandLine"], swiftSettings: strict,
            // The debug sections would be a third of the file, compressed as well. Backtraces and profiles keep the names of functions.
            linkerSettings: [
                .unsafeFlags(["-Xlinker", "--strip-debug"], .when(configuration: .release))
            ]),

        // The example's machine: physics as a library of its own, so that it can be tested.
        .target(
            name: "ZonesunMachine", path: "examples/zonesun-filling-machine/Sources/ZonesunMachine",
            swiftSettings: strict),
        .executableTarget(
            name: "ZonesunSimulator",
            dependencies: [
                "ZonesunMachine", "EgizKafka", "EgizCore", "EgizTwin",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
                .product(name: "Logging", package: "swift-log"),
            ],
            path: "examples/zonesun-filling-machine/Sources/ZonesunSimulator",
            swiftSettings: strict),

        // The program of examples/custom-processor, which is a package of its own: built here too, so that it stays true.
        .executableTarget(
            name: "CustomProcessor", dependencies: ["EgizCommandLine", "EgizCore", "EgizTwin"],
            path: "examples/custom-processor/Sources/MyEgiz"),

        // Tests mirror Sources. What several of them need is a target of its own.
        .target(
            name: "TestSupport",
            dependencies: [
                "EgizPostgres", "EgizCore", "EgizTwin",
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
            ],
            path: "Tests/TestSupport", swiftSettings: strict),
        .testTarget(
            name: "EgizTwinTests", dependencies: ["TestSupport", "EgizTwin"],
            resources: [.copy("Cases")], swiftSettings: strict),
        .testTarget(
            name: "EgizCoreTests",
            dependencies: ["TestSupport", "EgizCore", "EgizTwin", "EgizProcessors", "EgizTesting"],
            swiftSettings: strict),
        .testTarget(
            name: "EgizProcessorsTests",
            dependencies: ["TestSupport", "EgizProcessors", "EgizRuntime", "EgizCore", "EgizTwin", "EgizTesting"],
            swiftSettings: strict),
        .testTarget(
            name: "EgizTopologyFileTests",
            dependencies: ["TestSupport", "EgizTopologyFile", "EgizProcessors", "EgizCore", "EgizTwin"],
            swiftSettings: strict),
        .testTarget(
            name: "EgizTopologyTestTests",
            dependencies: [
                "TestSupport", "EgizTopologyTest", "EgizTopologyFile", "EgizTesting", "EgizProcessors", "EgizCore",
                "EgizTwin",
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EgizRuntimeTests",
            dependencies: [
                "TestSupport", "EgizRuntime", "EgizTesting", "EgizProcessors", "EgizCore", "EgizTwin",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EgizOutboundTests",
            dependencies: [
                "EgizOutbound", "EgizRuntime", "EgizCore",
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EgizKafkaTests",
            dependencies: [
                "TestSupport", "EgizKafka", "EgizRuntime", "EgizCore", "EgizTwin",
                .product(name: "Logging", package: "swift-log"),
            ],
            swiftSettings: strict),
        .testTarget(
            name: "EgizPostgresTests",
            dependencies: ["TestSupport", "EgizPostgres", "EgizRuntime", "EgizProcessors", "EgizCore", "EgizTwin"],
            swiftSettings: strict),
        .testTarget(
            name: "EgizHTTPTests",
            dependencies: [
                "TestSupport", "EgizHTTP", "EgizPostgres", "EgizRuntime", "EgizTopologyFile", "EgizProcessors",
                "EgizCore",
                "EgizTwin",
                .product(name: "Yams", package: "Yams"),
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOWebSocket", package: "swift-nio"),
                .product(name: "CoreMetrics", package: "swift-metrics"),
                .product(name: "Crypto", package: "swift-crypto"),
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
                .product(name: "JWTKit", package: "jwt-kit"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "NIOCore", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
            ],
            exclude: ["Cases"], swiftSettings: strict),
        // Counted by callgrind in CI; see benchmarks/README.md.
        .executableTarget(
            name: "egiz-instructions", dependencies: ["EgizTwin", "EgizCore", "EgizProcessors", "EgizPostgres"],
            path: "benchmarks/instructions", exclude: ["gate.py", "baseline.tsv"], swiftSettings: strict),
        .testTarget(
            name: "ZonesunMachineTests", dependencies: ["ZonesunMachine"],
            path: "examples/zonesun-filling-machine/Tests/ZonesunMachineTests",
            swiftSettings: strict),
        .testTarget(
            name: "IntegrationTests",
            dependencies: [
                "TestSupport", "EgizHTTP", "EgizKafka", "EgizPostgres", "EgizRuntime", "EgizTopologyFile",
                "EgizProcessors", "EgizTwin", "EgizCore", "EgizTesting",
                "egiz", "CustomProcessor", "ZonesunSimulator", "ZonesunMachine",
                .product(name: "Hummingbird", package: "hummingbird"),
                .product(name: "Logging", package: "swift-log"),
                .product(name: "HummingbirdTesting", package: "hummingbird"),
            ],
            swiftSettings: strict),
    ],
    cxxLanguageStandard: .cxx17
)
