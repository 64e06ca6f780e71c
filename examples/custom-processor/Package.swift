// swift-tools-version: 6.2
import PackageDescription

let package = Package(
    name: "my-egiz",
    // Elsewhere: .package(url: "https://…/digital-egiz", revision: "…").
    dependencies: [.package(name: "digital-egiz", path: "../..")],
    targets: [
        .executableTarget(
            name: "my-egiz",
            dependencies: ["EgizCommandLine", "EgizCore", "EgizTwin"].map {
                .product(name: $0, package: "digital-egiz")
            },
            path: "Sources/MyEgiz")
    ])
