import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// Checkpoints in several files, and folders as Hugging Face's libraries lay them out.
@Suite struct FolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(_ text: String, _ name: String) throws {
        try TestFiles.write(Array(text.utf8), to: folder.file(name))
    }

    private func tensor(_ value: Float) throws -> Tensor { try Tensor([value, 2], shape: [2]) }

    private func shard(
        _ name: String, _ tensors: [String: Float], metadata: [String: String] = ["format": "pt"]
    ) throws {
        let named = try tensors.sorted { $0.key < $1.key }.map { NamedTensor($0.key, try tensor($0.value)) }
        if name.hasSuffix(".safetensors") {
            try SafetensorsWriter.write(named, metadata: metadata, to: folder.file(name))
        } else {
            try PyTorchWriter.write(named, to: folder.file(name))
        }
    }

    private func index(_ map: [(String, String)], _ name: String = "model.safetensors.index.json") throws
        -> String
    {
        let entries = map.map { "\"\($0.0)\": \"\($0.1)\"" }.joined(separator: ", ")
        try write("{\"metadata\": {\"total_size\": 24}, \"weight_map\": {\(entries)}}", name)
        return folder.file(name)
    }

    private let first = "model-00001-of-00002.safetensors"
    private let second = "model-00002-of-00002.safetensors"

    private func expectError(
        _ path: String, _ code: ZooError.Code, naming words: String...,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        let error = #expect(throws: ZooError.self, sourceLocation: sourceLocation) {
            try CheckpointReader.read(path: path)
        }
        #expect(error?.code == code, "\(String(describing: error))", sourceLocation: sourceLocation)
        for word in words {
            #expect(
                error?.description.contains(word) == true, "\(String(describing: error))",
                sourceLocation: sourceLocation)
        }
    }

    @Test func shardsAreOneCheckpointInTheIndexsOrder() throws {
        try shard(first, ["b": 1, "c": 2])
        try shard(second, ["a": 3], metadata: ["format": "pt", "more": "x"])
        let path = try index([("c", first), ("a", second), ("b", first)])
        for path in [path, folder.path, folder.path + "/"] {
            let checkpoint = try CheckpointReader.read(path: path)
            #expect(checkpoint.format == .safetensors)
            #expect(checkpoint.tensors.map(\.name) == ["c", "a", "b"])
            #expect(try checkpoint.tensors.map { try $0.load().floats()[0] } == [2, 3, 1])
            #expect(checkpoint["a"]?.location == second)
            #expect(checkpoint.extras["index"]?["total_size"] == 24)
            #expect(checkpoint.extras["__metadata__"] == ["format": "pt", "more": "x"])
            #expect(
                checkpoint.files == [
                    folder.file("model.safetensors.index.json"), folder.file(first), folder.file(second),
                ])
            #expect(checkpoint.notes.contains("read 2 files as one checkpoint"))
        }
    }

    @Test func shardsOfPyTorch() throws {
        let names = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
        try shard(names[0], ["module.z": 1, "module.y": 2])
        try shard(names[1], ["module.a": 3])
        let path = try index(
            [("module.a", names[1]), ("module.y", names[0]), ("module.z", names[0])],
            "pytorch_model.bin.index.json")
        let checkpoint = try CheckpointReader.read(path: path)
        #expect(checkpoint.format == .pytorchZip)
        #expect(checkpoint.tensors.map(\.name) == ["y", "z", "a"])
        #expect(checkpoint.notes.contains { $0.contains("module.") })
        // Both files call their first storage 0; that ties nothing.
        #expect(Set(checkpoint.tensors.compactMap(\.storageKey)).count == 3)
        try PyTorchWriter.write(checkpoint.tensors, to: folder.file("whole.pth"))
        let whole = try CheckpointReader.read(path: folder.file("whole.pth"))
        #expect(try whole.tensors.map { try $0.load().floats()[0] } == [2, 1, 3])
    }

    @Test(arguments: [
        "../x.safetensors", "/etc/x.safetensors", "a/b.safetensors", "..", ".", "", "a\\\\b", "a\\u0000b",
        "a\\nb",
    ])
    func filesElsewhereAreRefused(name: String) throws {
        expectError(try index([("a", name)]), name.isEmpty ? .refused : .refused, naming: "beside it", "(a)")
    }

    @Test func whatDoesntFitTheIndexIsNamed() throws {
        let path = try index([("a", first), ("b", second)])
        try shard(first, ["a": 1])
        expectError(path, .fileNotFound, naming: second, "2 files")
        try shard(second, ["c": 1])
        expectError(path, .missingTensor, naming: "(b)", second, "none of the files")
        try shard(second, ["a": 1, "b": 1])
        expectError(path, .corrupt, naming: "same tensor", "(a)", first, second)
        try shard(first, ["b": 1])
        try shard(second, ["a": 1])
        expectError(path, .missingTensor, naming: "(a)", "in \(first)", "in \(second)")
        try shard(first, ["a": 1])
        try TestFiles.write(Array("{\"weight_map\": {}}".utf8), to: folder.file(second))
        expectError(path, .unsupported, naming: second, "kind")
        try TestFiles.write(Array(try TestFiles.read(folder.file(first)).dropLast()), to: folder.file(second))
        expectError(path, .truncated, naming: second)
        try PyTorchWriter.write([NamedTensor("b", tensor(1))], to: folder.file(second))
        expectError(path, .corrupt, naming: "different formats", second)
        try shard(second, ["b": 1, "d": 4])
        let checkpoint = try CheckpointReader.read(path: path)
        #expect(checkpoint.tensors.map(\.name) == ["a", "b", "d"])
        #expect(
            checkpoint.notes.contains { $0.contains("1 tensors that the index doesn't list, \"d\" first") })
    }

    @Test func documentsThatAreNoIndex() throws {
        for (text, word) in [
            ("{}", "weight_map"), ("{\"model_type\": \"vit\"}", "folder"),
            ("{\"weight_map\": []}", "weight_map"),
            ("{\"weight_map\": {\"a\": 1}}", "no file"), ("{\"weight_map\": {}}", "no tensors"),
            ("{\"weight_map\": {\"a\": \"x\", \"a\": \"y\"}}", "twice"), ("{\"weight_map\"", "JSON"),
        ] {
            try write(text, "x.json")
            let error = #expect(throws: ZooError.self) {
                try CheckpointReader.read(path: self.folder.file("x.json"))
            }
            #expect(error?.description.contains(word) == true, "\(text): \(String(describing: error))")
            #expect(error?.file == folder.file("x.json"))
        }
        let many = (0..<600).map { ("t\($0)", "m\($0).safetensors") }
        expectError(try index(many), .limitExceeded, naming: "too many files")
    }

    @Test func theUsualFileOfAFolderIsTaken() throws {
        expectError(folder.path, .fileNotFound, naming: "no checkpoint", folder.path)
        try shard(first, ["a": 9])
        expectError(folder.path, .fileNotFound, naming: "index", first)
        try shard("x.pth", ["a": 1])
        func value() throws -> Float {
            try CheckpointReader.read(path: folder.path).tensors[0].load().floats()[0]
        }
        #expect(try value() == 1)
        try shard("y.bin", ["a": 2])
        expectError(folder.path, .ambiguous, naming: "x.pth", "y.bin")
        try shard("z.safetensors", ["a": 3])
        #expect(try value() == 3)
        try shard("pytorch_model.bin", ["a": 4])
        #expect(try value() == 4)
        try shard("model.safetensors", ["a": 5])
        #expect(try value() == 5)
        let checkpoint = try CheckpointReader.read(path: folder.path)
        #expect(checkpoint.path == folder.path)
        #expect(checkpoint.notes.first?.contains("took model.safetensors; the folder also holds") == true)
    }

    @Test func theConfigurationComesAlong() throws {
        try shard("model.safetensors", ["a": 1])
        try write("{\"id2label\": {\"1\": \"dog\", \"0\": \"cat\"}, \"x\": NaN}", "config.json")
        let checkpoint = try CheckpointReader.read(path: folder.path)
        #expect(checkpoint.extras["config.json"]?["id2label"]?["0"] == "cat")
        #expect(checkpoint.classLabels == labels(["cat", "dog"], "config.json's id2label"))
        #expect(checkpoint.files.contains(folder.file("config.json")))
        try write("{\"id2label\": ", "config.json")
        expectError(folder.path, .corrupt, naming: "config.json", "JSON")
    }

    private func labels(_ names: [String], _ origin: String) -> ClassLabels? {
        let made = try? Checkpoint(
            format: .npz, path: nil, tensors: [], extras: ["classes": .array(names.map { .string($0) })]
        ).classLabels
        #expect(made?.names == names)
        return try? Checkpoint(
            format: .npz, path: nil, tensors: [],
            extras: origin.hasPrefix("config.json's ")
                ? ["config.json": .object([String(origin.dropFirst(14)): .array(names.map { .string($0) })])]
                : [origin: .array(names.map { .string($0) })]
        ).classLabels
    }

    @Test(arguments: [
        (#"{"class_to_idx": {"b": 1, "a": 0}}"#, ["a", "b"], "class_to_idx"),
        (#"{"classes": ["x", "y", "z"], "epoch": 3}"#, ["x", "y", "z"], "classes"),
        (#"{"class_names": ["x"], "class_to_idx": {"y": 0}}"#, ["x"], "class_names"),
        (#"{"idx_to_class": {"0": "x", "1": "y"}}"#, ["x", "y"], "idx_to_class"),
        (#"{"meta": {"CLASSES": ["u", "v"]}}"#, ["u", "v"], "meta.CLASSES"),
        (
            #"{"args": {"class": "argparse.Namespace", "opaque": true, "attributes": {"classes": ["q"]}}}"#,
            ["q"], "args.classes"
        ),
        (#"{"config.json": {"pretrained_cfg": {"label_names": ["a"]}}}"#, ["a"], "config.json's label_names"),
        (
            #"{"config.json": {"label_names": ["c"], "id2label": {"0": "d"}}, "classes": ["e"]}"#, ["c"],
            "config.json's label_names"
        ),
        (#"{"__metadata__": {"classes": "[\"m\", \"n\"]", "format": "pt"}}"#, ["m", "n"], "classes"),
    ])
    func namesOfClasses(extras: String, names: [String], origin: String) throws {
        let object = try #require(try JSONParser.parse(extras).objectValue)
        let found = try Checkpoint(format: .npz, path: nil, tensors: [], extras: object).classLabels
        #expect(found?.names == names)
        #expect(found?.origin == origin)
    }

    @Test(arguments: [
        #"{}"#, #"{"classes": 10}"#, #"{"classes": []}"#, #"{"classes": [1, 2]}"#,
        #"{"class_to_idx": {"a": 0, "b": 2}}"#,
        #"{"class_to_idx": {"a": 0, "b": 0}}"#, #"{"class_to_idx": {"a": -1}}"#,
        #"{"id2label": {"0": "LABEL_0", "1": "LABEL_1"}}"#,
        #"{"classes": {"class": "x.Y", "opaque": true}}"#, #"{"id2label": {"a": "b"}}"#,
        #"{"class_to_idx": {"a": 9223372036854775807}}"#, #"{"__metadata__": {"classes": "[1"}}"#,
    ])
    func whatNamesNoClasses(extras: String) throws {
        let object = try #require(try JSONParser.parse(extras).objectValue)
        #expect(try Checkpoint(format: .npz, path: nil, tensors: [], extras: object).classLabels == nil)
    }
}
