import Foundation
import Testing

/// The guards of the house plan: what may import what, where `unsafe` may stand, and that nothing traps.
@Suite struct HouseTests {
    private let root: URL
    private let sources: [SourceFile]

    init() throws {
        root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        sources = try SourceFile.all(in: root.appending(path: "Sources"), root: root)
    }

    /// Floors of the house, lowest first: a module may use those before it, never one behind it.
    private static let floors = [
        "CZooZlib", "CZooHDF5", "CZooHDF5Shim", "COneDNN", "COneDNNShim", "CZooKernels", "CZooPNG",
        "CZooJPEG", "CZooImageShim",
        "CZooData", "ZooTensors", "ZooContainers", "ZooLayerGraphs", "ZooArchitectures", "ZooCheckpoints",
        "ZooHDF5Checkpoints", "ZooModels", "ZooConversion", "ZooSurgery", "ZooCompute", "ZooImages",
        "ZooDatasets", "ZooTraining", "ZooTracking", "ZooModelCatalog", "MenagerieInference", "Menagerie",
        "zoo", "ZooBenchmarkWorker",
    ]
    /// What the plan rules out although the floors would allow it.
    private static let never = [
        ("ZooCheckpoints", "ZooLayerGraphs"), ("ZooArchitectures", "ZooCheckpoints"),
        ("ZooCompute", "ZooModels"),
    ]
    private static let systemModules: Set = ["Glibc", "Musl", "Darwin", "Dispatch", "Synchronization"]

    @Test func dependenciesPointDownwards() throws {
        let targets = try Package.dump(at: root).targets
            .filter { $0.type != "test" && $0.path?.hasPrefix("Tests/") != true }
        #expect(targets.count > 10)
        for target in targets {
            let floor = try #require(Self.floors.firstIndex(of: target.name), "\(target.name) has no floor")
            for dependency in target.dependencies where dependency != "ArgumentParser" {
                let below = try #require(Self.floors.firstIndex(of: dependency), "\(dependency) has no floor")
                #expect(below < floor, "\(target.name) depends on \(dependency), which is above it")
            }
        }
        for (module, forbidden) in Self.never {
            let target = targets.first { $0.name == module }
            #expect(
                target?.dependencies.contains(forbidden) != true, "\(module) must not depend on \(forbidden)")
        }
    }

    /// A server that only predicts links neither HDF5 nor anything of training.
    @Test func inferenceStaysSmall() throws {
        let targets = try Package.dump(at: root).targets
        var reached: Set = ["MenagerieInference"]
        var open = ["MenagerieInference"]
        while let next = open.popLast() {
            let target = try #require(targets.first { $0.name == next }, "\(next) is no target")
            for dependency in target.dependencies where reached.insert(dependency).inserted {
                open.append(dependency)
            }
        }
        for forbidden in ["CZooHDF5", "ZooHDF5Checkpoints", "ZooTraining", "ZooDatasets", "ArgumentParser"] {
            #expect(!reached.contains(forbidden), "MenagerieInference reaches \(forbidden)")
        }
    }

    @Test func importsAreDeclared() throws {
        let package = try Package.dump(at: root)
        for target in package.targets where target.type != "test" && target.type != "system" {
            let folder = try #require(target.path) + "/"
            let allowed = Self.systemModules.union(target.dependencies)
            for file in sources where file.path.hasPrefix(folder) && file.path.hasSuffix(".swift") {
                for module in file.imports {
                    #expect(allowed.contains(module), "\(file.path) imports \(module) without declaring it")
                }
            }
        }
    }

    @Test func noUnsafeFlags() throws {
        let manifest = try String(contentsOf: root.appending(path: "Package.swift"), encoding: .utf8)
        #expect(!manifest.contains("unsafeFlags"))
        #expect(manifest.contains(".treatAllWarnings(as: .error)"))
        #expect(manifest.contains(".strictMemorySafety()"))
    }

    @Test func unsafeStandsOnlyInListedFiles() throws {
        let list = root.appending(path: "Tests/HouseTests/unsafe-files.txt")
        let listed = Set(
            try String(contentsOf: list, encoding: .utf8).split(separator: "\n").filter { !$0.hasPrefix("#") }
                .map(String.init))
        let found = Set(
            sources.filter { $0.code.contains(/\bunsafe\b/) && $0.path.hasSuffix(".swift") }.map(\.path))
        #expect(found.subtracting(listed).isEmpty, "not listed: \(found.subtracting(listed).sorted())")
        #expect(
            listed.subtracting(found).isEmpty, "listed for nothing: \(listed.subtracting(found).sorted())")
    }

    @Test func nothingTraps() {
        for file in sources where file.path.hasSuffix(".swift") {
            for pattern in [
                "try!", "fatalError(", "preconditionFailure(", "precondition(", "as! ", ".unsafelyUnwrapped",
                "Dictionary(uniqueKeysWithValues",
            ] {
                #expect(!file.code.contains(pattern), "\(file.path) contains \(pattern)")
            }
        }
    }

    @Test func librariesLeaveTheTerminalAlone() {
        let programs = ["Sources/zoo/", "Sources/BenchmarkWorker/"]
        for file in sources
        where file.path.hasSuffix(".swift") && !programs.contains(where: file.path.hasPrefix) {
            #expect(!file.code.contains(/\bprint\(/), "\(file.path) prints")
        }
    }
}

/// A file under Sources with its code (comments left out) and imports.
private struct SourceFile {
    let path: String
    let code: String
    let imports: [String]

    static func all(in folder: URL, root: URL) throws -> [SourceFile] {
        let files = try #require(FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil))
        return try files.compactMap { entry in
            guard let url = entry as? URL, ["swift", "c", "h"].contains(url.pathExtension) else { return nil }
            let lines = try String(contentsOf: url, encoding: .utf8).split(separator: "\n")
                .map { $0.trimmingCharacters(in: .whitespaces) }.filter { !$0.hasPrefix("//") }
            let imports = lines.compactMap { line -> String? in
                guard
                    let match = line.firstMatch(
                        of: /^(@_exported )?((public|package|internal) )?import (struct )?(\w+)/)
                else { return nil }
                return String(match.output.5)
            }
            let path = url.path.replacingOccurrences(of: root.path + "/", with: "")
            return SourceFile(path: path, code: lines.joined(separator: "\n"), imports: imports)
        }
    }
}

/// The part of `swift package dump-package` that the guards look at.
private struct Package: Decodable {
    struct Target: Decodable {
        let name: String
        let type: String
        let path: String?
        let dependencies: [String]

        private enum Keys: String, CodingKey { case name, type, path, dependencies }
        private struct Dependency: Decodable {
            let name: String
            private enum Keys: String, CodingKey { case byName, product, target }

            init(from decoder: any Decoder) throws {
                let container = try decoder.container(keyedBy: Keys.self)
                for key in container.allKeys {
                    var list = try container.nestedUnkeyedContainer(forKey: key)
                    name = try list.decode(String.self)
                    return
                }
                throw DecodingError.dataCorrupted(
                    .init(codingPath: decoder.codingPath, debugDescription: "no name"))
            }
        }

        init(from decoder: any Decoder) throws {
            let container = try decoder.container(keyedBy: Keys.self)
            name = try container.decode(String.self, forKey: .name)
            type = try container.decode(String.self, forKey: .type)
            path = try container.decodeIfPresent(String.self, forKey: .path)
            dependencies = try container.decode([Dependency].self, forKey: .dependencies).map(\.name)
        }
    }

    let targets: [Target]

    /// Asks SwiftPM, with a scratch folder of its own: the usual one is locked while tests run.
    static func dump(at root: URL) throws -> Package {
        let scratch = FileManager.default.temporaryDirectory.appending(path: "zoo-dump-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: scratch) }
        let process = Process()
        process.executableURL = URL(filePath: "/usr/bin/env")
        process.arguments = ["swift", "package", "--scratch-path", scratch.path, "dump-package"]
        process.currentDirectoryURL = root
        let output = Pipe()
        process.standardOutput = output
        process.standardError = FileHandle.nullDevice
        try process.run()
        let data = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return try JSONDecoder().decode(Package.self, from: data)
    }
}
