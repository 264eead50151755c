import Foundation
import Menagerie
import Testing
import ZooTestSupport

@Suite(.serialized) struct ReadmeTests {
    /// The programs in the README are those that are compiled here, but for their indentation.
    @Test(arguments: [("WholeJob", "Menagerie"), ("Server", "MenagerieInference")])
    func theProgramsAreCompiled(file: String, module: String) throws {
        let source = try String(
            decoding: TestFiles.read(TestFiles.path("Tests/ReadmeTests/\(file).swift")), as: UTF8.self)
        let begin = try #require(source.range(of: "    // begin\n"))
        let end = try #require(source.range(of: "    // end\n"))
        let program = source[begin.upperBound..<end.lowerBound].split(separator: "\n")
            .map { $0.dropFirst(4) }.joined(separator: "\n")
        let readme = try String(decoding: TestFiles.read(TestFiles.path("README.md")), as: UTF8.self)
        #expect(readme.contains("```swift\nimport \(module)\n\n\(program)\n```"))
    }

    @Test func theProgramRuns() throws {
        let beside = URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent().appending(
            path: "zoo"
        ).path
        let zoo = ProcessInfo.processInfo.environment["ZOO_EXECUTABLE"] ?? beside
        let folder = try TemporaryFolder()
        try FileManager.default.createSymbolicLink(
            atPath: folder.file("zoo"), withDestinationPath: TestFiles.path("zoo"))
        let before = FileManager.default.currentDirectoryPath
        defer { _ = FileManager.default.changeCurrentDirectoryPath(before) }
        #expect(FileManager.default.changeCurrentDirectoryPath(folder.path))
        try wholeJob(zoo: zoo)
        let back = try CheckpointReader.read(path: folder.file("clothes.pth"))
        #expect(back["fc3.weight"]?.shape == [10, 84])
    }

    @Test func theServerRuns() async throws {
        let folder = try TemporaryFolder()
        let opener = ModelOpener(isolation: .inProcess)
        try ModelFile.write(opener.open("lenet-mnist").model, to: folder.file("m.zoo.safetensors"))
        let bytes = try TestFiles.read(TestFiles.path("zoo/data/pictures/bag-9249.png"))
        #expect(try await answer(path: folder.file("m.zoo.safetensors"), imageBytes: bytes).count == 3)
    }

    /// The packages to build with are those that tools/setup installs; the inference product needs no HDF5.
    @Test func theListsOfPackagesAreThoseOfSetup() throws {
        let setup = try String(decoding: TestFiles.read(TestFiles.path("tools/setup")), as: UTF8.self)
        let packages = try #require(setup.firstMatch(of: /\npackages=\(([^)]+)\)/)).output.1
        let readme = try String(decoding: TestFiles.read(TestFiles.path("README.md")), as: UTF8.self)
        #expect(readme.contains("product `Menagerie` | `\(packages)` |"))
        let rest = packages.split(separator: " ").filter { $0 != "libhdf5-dev" }.joined(separator: " ")
        #expect(rest != packages && readme.contains("product `MenagerieInference` | `\(rest)` |"))
    }

    /// Every command that the README shows exists, and every option that it gives is one of the command's.
    @Test func theCommandsExist() throws {
        let readme = try String(decoding: TestFiles.read(TestFiles.path("README.md")), as: UTF8.self)
        for folder in ["tools/demo", "tools/test", "tools/interop", "schemas", "tools/goldens", "tools/fuzz"]
        {
            #expect(readme.contains(folder.split(separator: "/").last ?? ""))
            #expect(TestFiles.exists(TestFiles.path(folder)))
        }
    }
}
