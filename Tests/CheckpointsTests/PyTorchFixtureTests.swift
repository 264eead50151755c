import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Files that PyTorch wrote (tools/goldens/formats/make_pytorch.py), and what it says is in them.
@Suite struct PyTorchFixtureTests {
    static let folder = TestFiles.path("tools/goldens/formats/")

    static func expectations() throws -> JSONObject {
        let document = try JSONParser.parse(try TestFiles.read(folder + "expected.json"))
        return try #require(document.objectValue)
    }

    static let files: [String] = ((try? expectations())?.keys ?? []).filter { $0.hasSuffix(".pth") }

    @Test func thereAreFixtures() { #expect(PyTorchFixtureTests.files.count >= 20) }

    @Test(arguments: files) func readsAsPyTorchDoes(_ file: String) throws {
        let expected = try #require(try PyTorchFixtureTests.expectations()[file])
        let read = { () throws(ZooError) in
            let checkpoint = try CheckpointReader.read(path: PyTorchFixtureTests.folder + file)
            return (checkpoint, try checkpoint.tensors.map { (tensor) throws(ZooError) in try tensor.load() })
        }
        if let reason = expected["error"]?.stringValue {
            let error = try #require(throws: ZooError.self) { _ = try read() }
            // The first words of the reason are the names that the message has to have.
            let name = try #require(reason.split(separator: " ").first)
            #expect(error.description.contains(name), "\(error)")
            return
        }
        let (checkpoint, tensors) = try read()
        let wanted = try #require(expected["tensors"]?.arrayValue)
        #expect(checkpoint.tensors.map(\.name) == wanted.compactMap { $0["name"]?.stringValue })
        for (entry, (described, tensor)) in zip(wanted, zip(checkpoint.tensors, tensors)) {
            #expect(described.elementType.rawValue == entry["dtype"]?.stringValue)
            #expect(described.shape.dimensions == entry["shape"]?.intArrayValue)
            #expect(tensor.shape == described.shape)
            #expect(
                SHA256.hexadecimal(try tensor.bytes()) == entry["sha256"]?.stringValue, "\(described.name)")
        }
        if let chosen = expected["chosen"]?.stringValue, !chosen.isEmpty {
            #expect(checkpoint.notes.contains("took the entries under \"\(chosen)\""))
        }
        if let stripped = expected["stripped"]?.stringValue, !stripped.isEmpty {
            #expect(checkpoint.notes.contains { $0.contains("stripped the prefix \(stripped) ") })
        }
        if let path = expected["mustNotExist"]?.stringValue { #expect(!TestFiles.exists(path)) }
    }
}
