import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Damaged checkpoints give a result or an error; nothing else.
@Suite struct PyTorchMutationTests {
    private static let folder = TestFiles.path("tools/goldens/formats/")

    private func read(_ bytes: [UInt8]) throws(ZooError) {
        for tensor in try CheckpointReader.read(ByteSource(bytes: bytes)).tensors {
            guard tensor.typeName == nil else { continue }
            _ = try tensor.load().contiguous()
        }
    }

    @Test(arguments: [
        "state-dict.pth", "state-dict-legacy.pth", "views-legacy.pth", "module-legacy.pth", "python2.pth",
        "deflated.pth", "protocol-4.pth",
    ])
    func filesOfPyTorch(_ name: String) throws {
        var mutations = Mutations(of: try TestFiles.read(PyTorchMutationTests.folder + name), seed: 7)
        let tally = mutations.run(400) { (bytes) throws(ZooError) in try self.read(bytes) }
        #expect(tally.errors > 100, "\(tally)")
    }

    /// The checksum of a zip member would hide most damage from the pickle machine and what comes after it, so here
    /// the pickle is damaged before it is packed.
    @Test func damagedPicklesInSoundArchives() throws {
        let value = PythonValue.dict([
            ("epoch", .int(1)),
            (
                "state_dict",
                .ordered([
                    ("module.a.weight", .tensor("0", shape: [2, 3])),
                    ("module.a.bias", .tensor("1", shape: [2])),
                    ("module.b", .tensor("0", shape: [3, 2], strides: [1, 3], count: 6)),
                ])
            ), ("args", .instance(.global("argparse", "Namespace"), state: .dict([("lr", .float(0.5))]))),
        ])
        let storages: [(key: String, values: [Float])] = [("0", [0, 1, 2, 3, 4, 5]), ("1", [6, 7])]
        var mutations = Mutations(of: value.pickled(), seed: 11)
        let tally = mutations.run(3000) { (pickle) throws(ZooError) in
            try self.read(LegacyFile(body: pickle, storages: storages).bytes())
        }
        #expect(tally.errors > 1000 && tally.results > 20, "\(tally)")
    }

    @Test func cutAnywhere() throws {
        for name in ["state-dict.pth", "state-dict-legacy.pth"] {
            let bytes = try TestFiles.read(PyTorchMutationTests.folder + name)
            for count in stride(from: 0, to: bytes.count, by: 37) {
                let error = #expect(throws: ZooError.self) { try self.read(Array(bytes.prefix(count))) }
                #expect(
                    error?.code == .truncated || error?.code == .unknownFormat || error?.code == .corrupt,
                    "\(count)")
            }
        }
    }
}
