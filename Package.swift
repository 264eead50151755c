// swift-tools-version: 6.2
import PackageDescription

/// What every Swift target is compiled with: language mode 6, strict memory safety, no warning let through.
let house: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
]

/// A library module. Module names carry the prefix `Zoo`, so that an app's own `Models` or `Images` never
/// collides with ours; the folder keeps the short name.
func room(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(
        name: "Zoo\(name)", dependencies: dependencies, path: "Sources/\(name)", swiftSettings: house)
}

/// The tests of one room, or of the whole (`Command`, `Parity`, `Robustness`).
func tests(_ name: String, _ dependencies: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(
        name: "Zoo\(name)Tests", dependencies: dependencies, path: "Tests/\(name)Tests",
        exclude: exclude, swiftSettings: house)
}

/// The linker's name of oneDNN. tools/test-onednn3 sets another, since a `-L` can't come before the system's, and
/// gets a package of Compute alone.
let otherOneDNN = Context.environment["MENAGERIE_ONEDNN"]

let package = Package(
    name: "menagerie",
    platforms: [.macOS(.v15)],
    products: [
        .library(name: "Menagerie", targets: ["Menagerie"]),
        .library(name: "MenagerieInference", targets: ["MenagerieInference"]),
        .executable(name: "zoo", targets: ["zoo"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2")
    ],
    targets: [
        .systemLibrary(
            name: "CZooZlib", path: "Sources/CZlib", pkgConfig: "zlib",
            providers: [.apt(["zlib1g-dev"]), .brew(["zlib"])]),
        .systemLibrary(
            name: "CZooHDF5", path: "Sources/CHDF5", pkgConfig: "hdf5-serial",
            providers: [.apt(["libhdf5-dev"]), .brew(["hdf5"])]),
        .target(
            name: "CZooHDF5Shim", dependencies: ["CZooHDF5"], path: "Sources/CHDF5Shim",
            cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
        .systemLibrary(
            name: "CZooPNG", path: "Sources/CPNG", pkgConfig: "libpng",
            providers: [.apt(["libpng-dev"]), .brew(["libpng"])]),
        .systemLibrary(
            name: "CZooJPEG", path: "Sources/CJPEG", pkgConfig: "libjpeg",
            providers: [.apt(["libjpeg62-turbo-dev"]), .brew(["jpeg-turbo"])]),
        .target(name: "CZooImageShim", dependencies: ["CZooPNG", "CZooJPEG"], path: "Sources/CImageShim"),
        .target(name: "CZooKernels", path: "Sources/CKernels"),
        .target(name: "CZooData", path: "Sources/CZooData"),
        room("Tensors", ["CZooKernels"]),
        room("Containers", ["ZooTensors", "CZooZlib", "CZooKernels"]),
        room("LayerGraphs", ["ZooTensors"]),
        room("Architectures", ["ZooTensors", "ZooLayerGraphs"]),
        room("Checkpoints", ["ZooTensors", "ZooContainers"]),
        room(
            "HDF5Checkpoints", ["ZooTensors", "ZooContainers", "ZooCheckpoints", "CZooHDF5Shim", "CZooZlib"]),
        room("Models", ["ZooTensors", "ZooLayerGraphs", "ZooCheckpoints"]),
        room(
            "Conversion",
            ["ZooTensors", "ZooLayerGraphs", "ZooCheckpoints", "ZooModels", "ZooArchitectures"]),
        room("Surgery", ["ZooTensors", "ZooLayerGraphs", "ZooModels", "ZooArchitectures"]),
        // Has no pkg-config file on Debian; the shim's linker setting names the library.
        .systemLibrary(
            name: "COneDNN", path: "Sources/COneDNN", providers: [.apt(["libdnnl-dev"]), .brew(["onednn"])]),
        .target(
            name: "COneDNNShim", dependencies: ["COneDNN"], path: "Sources/COneDNNShim",
            linkerSettings: [.linkedLibrary(otherOneDNN ?? "dnnl")]),
        room("Compute", ["ZooTensors", "ZooLayerGraphs", "COneDNNShim", "CZooKernels"]),
        room("Images", ["ZooTensors", "ZooLayerGraphs", "CZooImageShim"]),
        room("Datasets", ["ZooTensors", "ZooLayerGraphs", "ZooImages", "ZooContainers"]),
        room(
            "Training",
            [
                "ZooTensors", "ZooLayerGraphs", "ZooCheckpoints", "ZooModels", "ZooSurgery", "ZooCompute",
                "ZooDatasets", "CZooKernels",
            ]),
        room(
            "ModelCatalog",
            [
                "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooCheckpoints", "ZooHDF5Checkpoints",
                "ZooModels", "ZooArchitectures", "ZooConversion", "ZooCompute", "CZooData",
            ]),
        .target(
            name: "MenagerieInference",
            dependencies: [
                "ZooTensors", "ZooLayerGraphs", "ZooCheckpoints", "ZooModels", "ZooCompute", "ZooImages",
            ],
            path: "Sources/MenagerieInference", swiftSettings: house),
        .target(
            name: "Menagerie",
            dependencies: [
                "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints",
                "ZooHDF5Checkpoints", "ZooModels", "ZooConversion", "ZooSurgery", "ZooCompute", "ZooImages",
                "ZooDatasets", "ZooTraining", "ZooModelCatalog",
            ],
            path: "Sources/Menagerie", swiftSettings: house),
        .executableTarget(
            name: "zoo",
            dependencies: [
                "Menagerie", .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            path: "Sources/zoo", swiftSettings: house),
        // Our side of tools/bench/lenet and formats. Not a product: nobody who uses the package builds it.
        .executableTarget(
            name: "ZooBenchmarkWorker", dependencies: ["Menagerie"], path: "Sources/BenchmarkWorker",
            swiftSettings: house),
        .target(
            name: "ZooFuzzing",
            dependencies: [
                "ZooTensors", "ZooContainers", "ZooCheckpoints", "ZooHDF5Checkpoints", "ZooConversion",
                "ZooModels", "ZooTestSupport",
            ],
            path: "Tests/Fuzzing", exclude: ["Seeds"], swiftSettings: house),
        .target(name: "CZooFuzzFork", path: "Tests/FuzzFork"),
        .executableTarget(
            name: "zoo-fuzz",
            dependencies: ["CZooFuzzFork", "ZooTensors", "ZooHDF5Checkpoints", "ZooFuzzing"],
            path: "Tests/FuzzDriver",
            swiftSettings: house),
        .target(
            name: "ZooTestSupport", dependencies: ["ZooTensors", "ZooContainers"], path: "Tests/Support",
            swiftSettings: house),
        tests("Tensors", ["ZooTensors"]),
        tests("Containers", ["ZooTensors", "ZooContainers", "ZooTestSupport"]),
        tests("Checkpoints", ["ZooTensors", "ZooContainers", "ZooCheckpoints", "ZooTestSupport"]),
        tests(
            "Compute", ["ZooTensors", "ZooLayerGraphs", "ZooCompute"], exclude: ["make-layer-goldens.py"]),
        tests(
            "Parity",
            [
                "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints",
                "ZooHDF5Checkpoints", "ZooConversion", "ZooModels", "ZooCompute", "ZooImages", "ZooDatasets",
                "ZooTraining", "ZooTestSupport",
            ]),
        tests(
            "Images", ["ZooTensors", "ZooLayerGraphs", "ZooImages", "ZooTestSupport"], exclude: ["Fixtures"]),
        tests(
            "Datasets",
            [
                "ZooTensors", "ZooLayerGraphs", "ZooImages", "ZooContainers", "ZooDatasets", "ZooTestSupport",
            ]),
        tests(
            "Training",
            [
                "ZooTensors", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints", "ZooModels",
                "ZooImages",
                "ZooDatasets", "ZooTraining", "ZooTestSupport",
            ]),
        tests(
            "Inference",
            ["MenagerieInference", "ZooLayerGraphs", "ZooArchitectures", "ZooModels", "ZooTestSupport"]),
        tests("Client", ["ZooTestSupport"], exclude: ["Client"]),
        // The modules that Menagerie re-exports stand here by name, so that a changed one rebuilds these tests.
        tests(
            "Readme",
            [
                "Menagerie", "MenagerieInference", "ZooTensors", "ZooCheckpoints", "ZooHDF5Checkpoints",
                "ZooModels", "ZooSurgery", "ZooDatasets", "ZooTraining", "ZooModelCatalog", "ZooTestSupport",
            ]),
        tests("LayerGraphs", ["ZooTensors", "ZooLayerGraphs"]),
        tests("Architectures", ["ZooTensors", "ZooLayerGraphs", "ZooArchitectures", "ZooTestSupport"]),
        tests(
            "Conversion",
            [
                "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints",
                "ZooModels", "ZooConversion", "ZooTestSupport",
            ]),
        tests("Surgery", ["ZooTensors", "ZooLayerGraphs", "ZooArchitectures", "ZooModels", "ZooSurgery"]),
        tests(
            "Robustness",
            [
                "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints",
                "ZooHDF5Checkpoints", "ZooConversion", "ZooModels", "ZooImages", "ZooDatasets",
                "ZooTraining", "ZooTestSupport", "ZooFuzzing",
            ]),
        tests(
            "HDF5Checkpoints", ["ZooTensors", "ZooCheckpoints", "ZooHDF5Checkpoints", "ZooTestSupport"],
            exclude: ["Fixtures"]),
        tests(
            "Hostile", ["ZooTensors", "ZooCheckpoints", "ZooHDF5Checkpoints", "ZooTestSupport"],
            exclude: ["Corpus"]),
        tests("Command", [], exclude: ["Fixtures"]),
        tests("House", [], exclude: ["unsafe-files.txt"]),
    ]
)

// libFuzzer brings the program's beginning; without it this can't be linked. tools/fuzz/libfuzzer asks for it.
if Context.environment["MENAGERIE_LIBFUZZER"] != nil {
    package.targets.append(
        .executableTarget(
            name: "zoo-libfuzzer", dependencies: ["ZooFuzzing"], path: "Tests/LibFuzzer", swiftSettings: house
        ))
}

if otherOneDNN != nil {
    let needed: Set = [
        "ZooTensors", "ZooLayerGraphs", "COneDNN", "COneDNNShim", "CZooKernels", "ZooCompute",
        "ZooComputeTests",
    ]
    package.products = []
    package.dependencies = []
    package.targets.removeAll { !needed.contains($0.name) }
}
