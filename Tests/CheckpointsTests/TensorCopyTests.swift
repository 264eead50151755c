import Testing
import ZooCheckpoints
import ZooContainers
import ZooTensors
import ZooTestSupport

/// Copies of tables of tensors: names, types, what comes along, files in parts.
@Suite struct TensorCopyTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func checkpoint(_ types: [(String, ElementType)], extras: JSONObject = [:]) throws -> Checkpoint {
        try Checkpoint(
            format: .pytorchZip, path: "x.pth",
            tensors: types.map { (name, type) throws(ZooError) in
                CheckpointTensor(name: name, tensor: try Tensor(zeros: [4], elementType: type))
            }, extras: extras)
    }

    @Test func statisticsAndWholeNumbersKeepTheirTypes() throws {
        let table = try checkpoint([
            ("conv.weight", .f32), ("bn.running_mean", .f32), ("bn.running_var", .f32),
            ("bn.num_batches_tracked", .i64),
            ("bn/moving_variance", .f32), ("mask", .bool), ("z", .c64), ("wide", .f64),
            ("running_mean_of_it", .f32), ("tiny", .f8e4m3),
        ])
        var options = TensorCopy.Options()
        options.typeChange = ElementTypeChange(to: .f16)
        let copy = try TensorCopy(of: table, options: options)
        #expect(
            copy.entries.map(\.target.elementType) == [
                .f16, .f32, .f32, .i64, .f32, .bool, .c64, .f16, .f16, .f16,
            ])
        #expect(copy.entries[0].changes == ["f32→f16"] && copy.entries[1].changes.isEmpty)
        options.typeChange = ElementTypeChange(to: .bf16, isForAll: true)
        let all = try TensorCopy(of: table, options: options).entries.map(\.target.elementType)
        #expect(all == [.bf16, .bf16, .bf16, .bf16, .bf16, .bool, .c64, .bf16, .bf16, .bf16])
    }

    @Test func selectionAndNames() throws {
        let table = try checkpoint([("model.a", .f32), ("model.b", .f32), ("head.a", .f32)])
        var options = TensorCopy.Options()
        options.selection = NameSelection(included: ["model.*", "no*"], excluded: ["*.b", "none"])
        options.rename = RenameRules([try .init(pattern: #"^model\."#, replacement: "")])
        let copy = try TensorCopy(of: table, options: options)
        #expect(copy.entries.map(\.target.name) == ["a"] && copy.leftOut == ["model.b", "head.a"])
        #expect(copy.notes == ["--include no* matches no name", "--exclude none matches no name"])
        options.selection = NameSelection()
        options.rename = RenameRules([try .init(pattern: #"^.*\."#, replacement: "")])
        let error = #expect(throws: ZooError.self) { try TensorCopy(of: table, options: options) }
        #expect(error?.tensor == "a" && error?.found == "model.a and head.a")
        options.selection = NameSelection(excluded: ["*"])
        #expect(throws: ZooError.self) { try TensorCopy(of: table, options: options) }
    }

    @Test func whatComesAlong() throws {
        let extras: JSONObject = [
            "epoch": 3, "classes": ["a", "b"], "_metadata": ["": ["version": 1], "bn": ["version": 2]],
            "args": ["class": "argparse.Namespace", "opaque": true],
        ]
        let table = try checkpoint([("bn.weight", .f32)], extras: extras)
        let copy = try TensorCopy(of: table)
        let path = folder.file("a.safetensors")
        let output = try TensorCopyOutput(copy, of: table, format: .safetensors, path: path)
        #expect(output.notes == ["left out, having no place in the format: args"])
        try output.write()
        let read = try CheckpointReader.read(path: path)
        #expect(
            read.extras["__metadata__"]?["epoch"] == "3" && read.extras["__metadata__"]?["format"] == "pt")
        #expect(read.classLabels?.names == ["a", "b"])
        // And back: the versions of the modules are where PyTorch looks for them.
        let back = try TensorCopyOutput(
            TensorCopy(of: read), of: read, format: .pytorch, path: folder.file("a.pth"))
        #expect(back.notes.first?.contains("epoch") == true)
        try back.write()
        #expect(
            try CheckpointReader.read(path: folder.file("a.pth")).extras["_metadata"]?["bn"]?["version"] == 2)
        let arrays = try TensorCopyOutput(copy, of: table, format: .npz, path: folder.file("a.npz"))
        #expect(
            arrays.notes.first?.contains("epoch, classes") == true
                || arrays.notes.first?.contains("epoch") == true)
    }

    @Test func aCopyOfASafetensorsFileIsThatFile() throws {
        let tensors = [
            NamedTensor("a", try Tensor([Float(1), 2], shape: [2])),
            NamedTensor("b", try Tensor([Int64(3)], shape: [])),
        ]
        try SafetensorsWriter.write(tensors, metadata: ["x": "1"], to: folder.file("a.safetensors"))
        let table = try CheckpointReader.read(path: folder.file("a.safetensors"))
        let output = try TensorCopyOutput(
            TensorCopy(of: table), of: table, format: .safetensors, path: folder.file("b.safetensors"))
        try output.write()
        let copy = try CheckpointReader.read(path: folder.file("b.safetensors"))
        #expect(copy.extras["__metadata__"] == ["format": "pt", "x": "1"])
    }

    @Test func aNativeFilesDescriptionStaysOnlyWhileItIsTrue() throws {
        let table = try checkpoint(
            [("a", .f32), ("b", .f32)], extras: ["__metadata__": ["menagerie": "{}", "format": "pt"]])
        func texts(_ options: TensorCopy.Options) throws -> JSONValue? {
            let path = folder.file("n.safetensors")
            let copy = try TensorCopy(of: table, options: options)
            try TensorCopyOutput(copy, of: table, format: .safetensors, path: path, describedBy: "menagerie")
                .write()
            return try CheckpointReader.read(path: path).extras["__metadata__"]
        }
        var options = TensorCopy.Options()
        #expect(try texts(options)?["menagerie"] == "{}")
        options.selection = NameSelection(excluded: ["b"])
        #expect(try texts(options)?["menagerie"] == nil)
    }

    @Test func typesThatAFormatLacksAreRefusedBeforeWriting() throws {
        for (type, format, word) in [
            (ElementType.bf16, TensorTableFormat.npz, "NumPy"), (.f8e4m3, .npz, "NumPy"),
            (.c128, .safetensors, "safetensors"),
        ] {
            let table = try checkpoint([("w", type)])
            let error = #expect(throws: ZooError.self) {
                try TensorCopyOutput(TensorCopy(of: table), of: table, format: format, path: folder.file("x"))
            }
            #expect(error?.tensor == "w" && error?.problem.contains(word) == true)
        }
    }

    // MARK: Parts

    private func parts(_ counts: [Int], _ most: Int, _ name: String = "model.safetensors") throws
        -> SafetensorsShards
    {
        try SafetensorsShards(
            counts.enumerated().map { (number, count) throws(ZooError) in
                CheckpointTensor(name: "t\(number)", tensor: try Tensor(zeros: [count], elementType: .u8))
            }, path: folder.file(name), maximumByteCount: most)
    }

    @Test(arguments: [
        ([4, 4, 2, 4, 2, 2], 6, [[0], [1, 2], [3, 4], [5]]), ([3, 3], 6, [[0, 1]]), ([7, 1], 6, [[0], [1]]),
        // A tensor that is too long goes out before what was begun earlier.
        ([1, 7, 1], 6, [[1], [0, 2]]), ([], 6, [[]]), ([0, 0, 6], 6, [[0, 1, 2]]),
    ])
    func partsAreThoseOfHuggingFace(counts: [Int], most: Int, wanted: [[Int]]) throws {
        let shards = try parts(counts, most)
        #expect(shards.shards.map { $0.tensors.map(\.name) } == wanted.map { $0.map { "t\($0)" } })
        #expect((shards.indexPath == nil) == (wanted.count == 1))
    }

    @Test func partsAreReadAsOne() throws {
        try TestFiles.write([1], to: folder.file("model.safetensors"))
        let shards = try parts([4, 4, 2], 6)
        try shards.write(metadata: ["format": "pt", "epoch": "3"])
        #expect(
            shards.paths.map { $0.split(separator: "/").last } == [
                "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors",
                "model.safetensors.index.json",
            ])
        #expect(try FolderListing(path: folder.path).files.count == 3)
        let checkpoint = try CheckpointReader.read(path: folder.path)
        #expect(checkpoint.tensors.map(\.name) == ["t0", "t1", "t2"])
        #expect(checkpoint.extras["index"] == ["total_size": 10, "epoch": "3"])
        #expect(checkpoint.extras["__metadata__"] == ["format": "pt"])
    }

    /// All or none of the parts get their names.
    @Test func partsThatCantAllBeWritten() throws {
        let good = CheckpointTensor(name: "a", tensor: try Tensor(zeros: [8]))
        let bad = CheckpointTensor(name: "b", elementType: .f32, shape: [8]) { () throws(ZooError) in
            throw ZooError(.corrupt, "no")
        }
        let shards = try SafetensorsShards(
            [good, bad], path: folder.file("m.safetensors"), maximumByteCount: 32)
        #expect(throws: ZooError.self) { try shards.write() }
        #expect(try FolderListing(path: folder.path).files.isEmpty)
    }

    @Test(arguments: [
        ("5GB", 5_000_000_000), ("200MB", 200_000_000), ("1.5 kb", 1_500), ("2GiB", 2_147_483_648),
        ("4096", 4_096), ("10B", 10),
    ])
    func sizes(text: String, count: Int) throws { #expect(try ByteCountText.parse(text) == count) }

    @Test(arguments: ["", "GB", "-5GB", "5XB", "0", "0.1B", "1e3", "99999999999TB", "5 GB GB", "nan"])
    func whatIsNoSize(text: String) { #expect(throws: ZooError.self) { try ByteCountText.parse(text) } }

    @Test func jsonAsPythonWritesIt() throws {
        let value: JSONValue = [
            "b": [1, [], 2.5, ["x": .null]], "a": .object([:]), "t": "é\u{1F600}\"\\\n\u{7F}", "f": 1e-05,
            "ok": true,
        ]
        #expect(
            PythonJSON.text(value) == """
                {
                  "b": [
                    1,
                    [],
                    2.5,
                    {
                      "x": null
                    }
                  ],
                  "a": {},
                  "t": "\\u00e9\\ud83d\\ude00\\"\\\\\\n\\u007f",
                  "f": 1e-05,
                  "ok": true
                }
                """)
    }
}
