// swift-tools-version: 6.2
import PackageDescription

// An app that depends on Menagerie; it has modules of its own called like folders of Menagerie's.
let package = Package(
    name: "client",
    platforms: [.macOS(.v15)],
    dependencies: [.package(url: "MENAGERIE", from: "0.1.0")],
    targets: [
        .target(name: "Models"),
        .target(name: "Training"),
        .target(name: "Images"),
        .executableTarget(
            name: "classify",
            dependencies: [
                "Models", "Training", "Images", .product(name: "MenagerieInference", package: "menagerie"),
            ]),
        .executableTarget(
            name: "everything",
            dependencies: [
                "Models", "Training", "Images", .product(name: "Menagerie", package: "menagerie"),
            ]),
    ]
)
