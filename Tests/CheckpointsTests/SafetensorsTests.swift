import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

@Suite struct SafetensorsTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ header: String, _ dataCount: Int) -> ByteSource {
        let text = Array(header.utf8)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: text.count >> (8 * $0)) }
        return ByteSource(bytes: length + text + [UInt8](repeating: 0, count: dataCount))
    }

    private func tensors() throws -> [NamedTensor] {
        var result: [NamedTensor] = []
        for (index, type) in ElementType.allCases.enumerated() where type != .c128 && type != .c32 {
            let bytes = (0..<(6 * type.byteCount)).map { type == .bool ? UInt8($0 % 2) : UInt8($0 + index) }
            let tensor = try Tensor(
                storage: try TensorStorage(bytes: bytes), elementType: type, shape: [2, 3])
            result.append(NamedTensor("z.\(type.rawValue)", tensor))
            result.append(NamedTensor("a.\(type.rawValue)", try tensor.permuted([1, 0])))
        }
        result.append(NamedTensor("scalar", try Tensor([Float(1)], shape: [])))
        result.append(NamedTensor("empty", try Tensor(zeros: [0, 3])))
        result.append(NamedTensor("quote\"\n\u{1}\u{7F}é", try Tensor([Float(2)], shape: [1])))
        return result
    }

    @Test func roundTrip() throws {
        let path = folder.file("a.safetensors")
        let written = try tensors()
        try SafetensorsWriter.write(written, metadata: ["format": "pt", "b": "2"], to: path)
        let checkpoint = try SafetensorsReader.read(try ByteSource(path: path))
        #expect(checkpoint.extras["__metadata__"] == ["b": "2", "format": "pt"])
        #expect(checkpoint.tensors.count == written.count)
        for named in written {
            let read = try #require(checkpoint[named.name])
            #expect(read.elementType == named.tensor.elementType)
            #expect(read.shape == named.tensor.shape)
            #expect(try read.load().bytes() == named.tensor.bytes())
        }
    }

    @Test func sameNamesAreRefused() throws {
        let tensor = try Tensor([Float(1)], shape: [1])
        for names in [["a", "a"], ["__metadata__"]] {
            #expect(throws: ZooError.self) {
                try SafetensorsWriter.write(names.map { NamedTensor($0, tensor) }, to: self.folder.file("b"))
            }
        }
    }

    @Test(arguments: [
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, #"{}"#, "{ }   ",
        #"{"b":{"dtype":"U8","shape":[],"data_offsets":[3,4]},"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3],"x":1}}"#,
        #"{"__metadata__":{"k":"v"},"a":{"dtype":"F32","shape":[0,7],"data_offsets":[0,0]}}"#,
    ])
    func validHeaders(_ header: String) throws {
        let count = header.contains("F32") && !header.contains("[0,7]") || header.contains("U8") ? 4 : 0
        let checkpoint = try SafetensorsReader.read(file(header, count))
        for tensor in checkpoint.tensors { _ = try tensor.load() }
    }

    @Test(arguments: [
        (#" {"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 4, "begin with {"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#, 8, "hole"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
            4, "overlaps"
        ),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 5, "bytes follow"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#, 3, "ends before"),
        (#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}"#, 4, "doesn't fit its shape"),
        (
            #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#,
            8, "twice"
        ),
        (#"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#, 4, "negative"),
        (#"{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}"#, 4, "lacks"),
        (#"{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,4]}}"#, 4, "more elements"),
        (#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}"#, 4, "doesn't fit"),
        (#"{"a":{"dtype":"Q7","shape":[1],"data_offsets":[0,4]}}"#, 4, "Q7"),
        (#"{"__metadata__":{"k":1}}"#, 0, "texts"), (#"{"a":1}"#, 0, "lacks"), (#"[]"#, 0, "begin with {"),
        ("{}\0\0", 0, "follows"),
    ])
    func invalidHeaders(_ header: String, _ dataCount: Int, _ hint: String) {
        let error = #expect(throws: ZooError.self) {
            try SafetensorsReader.read(self.file(header, dataCount))
        }
        #expect(error?.problem.contains(hint) == true, "\(String(describing: error))")
        #expect(error?.byteOffset != nil)
    }

    @Test func lengthsAreBounded() {
        for length: [UInt8] in [
            [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF], [0, 0, 0, 0x10, 0, 0, 0, 0],
            [20, 0, 0, 0, 0, 0, 0, 0],
        ] {
            #expect(throws: ZooError.self) {
                try SafetensorsReader.read(ByteSource(bytes: length + Array("{}".utf8)))
            }
        }
        #expect(throws: ZooError.self) { try SafetensorsReader.read(ByteSource(bytes: [1, 2])) }
    }

    @Test func unsupportedTypesAreListed() throws {
        let source = file(#"{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}"#, 4)
        let tensor = try #require(try SafetensorsReader.read(source)["a"])
        #expect(tensor.typeName == "F4")
        let error = #expect(throws: ZooError.self) { try tensor.load() }
        #expect(error?.problem.contains("F4") == true)
    }

    @Test func typesThatTheFormatLacksAreRefused() throws {
        for type in [ElementType.c128, .c32] {
            let error = #expect(throws: ZooError.self) {
                try SafetensorsWriter.write(
                    [NamedTensor("w", Tensor(zeros: [1], elementType: type))],
                    to: folder.file("c.safetensors"))
            }
            #expect(error?.tensor == "w" && error?.remedy != nil)
        }
    }

    @Test func mutationsNeverTrap() throws {
        try SafetensorsWriter.write(try tensors(), metadata: ["format": "pt"], to: folder.file("a"))
        let bytes = try TestFiles.read(folder.file("a"))
        var mutations = Mutations(of: bytes, focus: 0..<2000)
        let tally = mutations.run(1000) { (bytes) throws(ZooError) in
            for tensor in try SafetensorsReader.read(ByteSource(bytes: bytes)).tensors {
                _ = try tensor.load()
            }
        }
        #expect(tally.errors > 500 && tally.results > 5, "\(tally)")
    }

    @Test(.enabled(if: Python.isInstalled)) func theOfficialWriterGivesTheSameBytes() throws {
        try SafetensorsWriter.write(try tensors(), to: folder.file("ours.safetensors"))
        let (output, status) = try Python.run(
            """
            import sys, safetensors.torch as st
            folder = sys.argv[1]
            state = st.load_file(folder + "/ours.safetensors")
            st.save_file(dict(reversed(state.items())), folder + "/theirs.safetensors")
            """, [folder.path])
        #expect(status == 0, "\(output)")
        #expect(
            try TestFiles.read(folder.file("ours.safetensors"))
                == TestFiles.read(folder.file("theirs.safetensors")))
    }
}
