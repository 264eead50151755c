import Testing
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct NPYTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func file(_ header: String, version: UInt8 = 1, _ data: [UInt8] = []) -> ByteSource {
        let text = Array(header.utf8)
        let length: [UInt8] =
            [UInt8(text.count & 0xFF), UInt8(text.count >> 8)] + (version > 1 ? [0, 0] : [])
        return ByteSource(bytes: NPYHeader.magic + [version, 0] + length + text + data)
    }

    @Test func roundTrip() throws {
        let values: [Float] = [1, 2, 3, 4, 5, 6]
        for shape: TensorShape in [[6], [2, 3], [1, 6, 1], [3, 2]] {
            try NPYFile.write(try Tensor(values, shape: shape), to: folder.file("a.npy"))
            let source = try ByteSource(path: folder.file("a.npy"))
            let tensor = try NPYFile.read(source)
            #expect(tensor.shape == shape)
            #expect(try tensor.floats() == values)
            #expect(source.count == 128 + 24)
        }
        try NPYFile.write(try Tensor([Int64(7)], shape: []), to: folder.file("a.npy"))
        #expect(try NPYFile.read(try ByteSource(path: folder.file("a.npy"))).scalars(Int64.self) == [7])
    }

    @Test(arguments: [UInt8(1), 2, 3]) func headersOfEveryVersion(_ version: UInt8) throws {
        let text = "{'descr': '>i2', 'fortran_order': True, 'shape': (2, 3), }\n"
        let source = file(text, version: version, [0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6])
        #expect(try NPYFile.read(source).scalars(Int16.self) == [1, 2, 3, 4, 5, 6])
    }

    @Test func headersMayBeSpelledFreely() throws {
        let tensor = try NPYFile.read(file("{\"shape\":(2L,),'fortran_order':False,'descr':'|u1'}", [8, 9]))
        #expect(try tensor.scalars(UInt8.self) == [8, 9])
    }

    @Test(arguments: [
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), } x",
        "{'descr': '<f4', 'fortran_order': False}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), 'more': 1}",
        "{'descr': '<f4', 'shape': (2,)",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (2)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-2,)}", "", "{}", "{'descr': '<f4",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4)}",
    ])
    func brokenHeadersGiveErrors(_ text: String) {
        let error = #expect(throws: ZooError.self) {
            try NPYFile.read(self.file(text, [UInt8](repeating: 0, count: 8)))
        }
        #expect(error?.code == .corrupt)
    }

    @Test(arguments: ["<c32", "|O", "<U5", "<u3", "<M8[ns]", "|V2", "<f16", "f4", "|f4"])
    func unsupportedTypesAreNamed(_ descr: String) {
        let error = #expect(throws: ZooError.self) {
            try NPYFile.read(self.file("{'descr': '\(descr)', 'fortran_order': False, 'shape': (2,)}"))
        }
        #expect(error?.code == .unsupported)
        #expect(error?.problem.contains(descr) == true)
    }

    @Test func anotherLengthIsAnError() throws {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,)}"
        for (count, code) in [(7, ZooError.Code.truncated), (9, .corrupt)] {
            let error = #expect(throws: ZooError.self) {
                try NPYFile.read(self.file(text, [UInt8](repeating: 0, count: count)))
            }
            #expect(error?.code == code)
        }
    }

    @Test func bfloat16HasNoNameInNumPy() throws {
        let tensor = try Tensor(zeros: [2], elementType: .bf16)
        let error = #expect(throws: ZooError.self) {
            try NPYFile.write(tensor, to: self.folder.file("a.npy"))
        }
        #expect(error?.code == .unsupported)
        #expect(!TestFiles.exists(folder.file("a.npy")))
    }

    @Test func archives() throws {
        let path = folder.file("a.npz")
        let arrays = [
            (
                name: "weight",
                tensor: try Tensor([Float](repeating: 1.5, count: 12), shape: [3, 4]).permuted([1, 0])
            ),
            (name: "layer/bias", tensor: try Tensor([Int32(1), 2], shape: [2])),
        ]
        try NPZFile.write(arrays, to: path)
        let read = try NPZFile(try ByteSource(path: path))
        #expect(read.entries.map(\.name) == ["weight", "layer/bias"])
        #expect(read.entries.map(\.header.shape) == [[4, 3], [2]])
        #expect(try read.entries[1].load().scalars(Int32.self) == [1, 2])
    }

    @Test(.enabled(if: Python.isInstalled)) func numPyAgrees() throws {
        for name in ["ours.npz", "theirs.npz", "packed.npz"] { #expect(!TestFiles.exists(folder.file(name))) }
        var arrays: [(name: String, tensor: Tensor)] = []
        let withoutNumPy: Set<ElementType> = [
            .bf16, .c32, .f8e4m3, .f8e5m2, .f8e4m3fnuz, .f8e5m2fnuz, .f8e8m0,
        ]
        for type in ElementType.allCases where !withoutNumPy.contains(type) {
            let bytes = (0..<(6 * type.byteCount)).map { UInt8(type == .bool ? $0 % 2 : $0) }
            let storage = try TensorStorage(bytes: bytes)
            arrays.append((type.rawValue, try Tensor(storage: storage, elementType: type, shape: [2, 3])))
        }
        arrays.append(("scalar", try Tensor([2.5 as Double], shape: [])))
        arrays.append(("empty", try Tensor(zeros: [0, 3])))
        try NPZFile.write(arrays, to: folder.file("ours.npz"))
        let (output, status) = try Python.run(
            """
            import sys, numpy as np
            folder = sys.argv[1]
            arrays = dict(np.load(folder + "/ours.npz"))
            assert arrays["f32"].shape == (2, 3) and arrays["scalar"].shape == () and arrays["empty"].shape == (0, 3)
            for name, dtype in dict(f64="f8", f32="f4", f16="f2", i64="i8", i32="i4", i16="i2", i8="i1", u8="u1").items():
                raw = np.arange(6 * np.dtype(dtype).itemsize, dtype="u1")
                assert arrays[name].tobytes() == raw.tobytes() and arrays[name].dtype == np.dtype(dtype), name
            assert arrays["bool"].dtype == bool and arrays["scalar"] == 2.5
            np.savez(folder + "/theirs.npz", **arrays, column=np.asfortranarray(np.arange(6.0).reshape(2, 3)))
            np.savez_compressed(folder + "/packed.npz", **arrays, big=np.arange(3, dtype=">i4"))
            """, [folder.path])
        #expect(status == 0, "\(output)")
        for (file, more) in [("theirs.npz", "column"), ("packed.npz", "big")] {
            let read = try NPZFile(try ByteSource(path: folder.file(file)))
            #expect(read.entries.map(\.name) == arrays.map(\.name) + [more])
            for (entry, array) in zip(read.entries, arrays) {
                #expect(entry.header.elementType == array.tensor.elementType)
                #expect(try entry.load().bytes() == array.tensor.bytes(), "\(entry.name)")
            }
            let last = try #require(read.entries.last).load()
            #expect(try last.doubles() == (more == "big" ? [0, 1, 2] : [0, 1, 2, 3, 4, 5]))
        }
    }

    @Test func mutationsNeverTrap() throws {
        try NPYFile.write(
            try Tensor([Float](repeating: 1, count: 6), shape: [2, 3]), to: folder.file("a.npy"))
        var single = Mutations(of: try TestFiles.read(folder.file("a.npy")))
        let tally = single.run(1000) { (bytes) throws(ZooError) in
            _ = try NPYFile.read(ByteSource(bytes: bytes)).contiguous()
        }
        #expect(tally.errors > 500 && tally.results > 10, "\(tally)")
        try NPZFile.write(
            [("a", try Tensor([Float](repeating: 1, count: 6), shape: [2, 3]))], to: folder.file("a.npz"))
        var archive = Mutations(of: try TestFiles.read(folder.file("a.npz")))
        let second = archive.run(500) { (bytes) throws(ZooError) in
            for entry in try NPZFile(ByteSource(bytes: bytes)).entries { _ = try entry.load().contiguous() }
        }
        #expect(second.errors > 300, "\(second)")
    }
}
