import Foundation
import Testing
import ZooTensors

@Suite struct FileTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "zoo-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true) }

    private func path(_ name: String) -> String { folder.appending(path: name).path }

    @Test func bytesAreBoundsChecked() throws {
        try Data([1, 2, 3, 4]).write(to: URL(filePath: path("a")))
        let source = try ByteSource(path: path("a"))
        #expect(try source.bytes(at: 1, count: 2) == [2, 3])
        #expect(try source.slice(at: 2, count: 2).littleEndian(UInt16.self, at: 0) == 0x0403)
        for (offset, count) in [(0, 5), (4, 1), (-1, 1), (1, -1), (Int.max, 1), (1, Int.max)] {
            #expect(throws: ZooError.self) { try source.bytes(at: offset, count: count) }
        }
    }

    @Test func whatIsNoFileIsNamed() throws {
        #expect { try ByteSource(path: path("missing")) } throws: { ($0 as? ZooError)?.code == .fileNotFound }
        #expect { try ByteSource(path: folder.path) } throws: { ($0 as? ZooError)?.code == .notAFile }
        #expect { try ByteSource(path: "/dev/null") } throws: { ($0 as? ZooError)?.code == .notAFile }
    }

    @Test func anAtomicFileAppearsWhole() throws {
        let file = try AtomicFile(path: path("out"))
        try file.write("half")
        #expect(!FileManager.default.fileExists(atPath: path("out")))
        try file.write(Tensor([UInt8(33)], shape: [1]))
        try file.commit()
        #expect(try String(contentsOfFile: path("out"), encoding: .utf8) == "half!")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }

    @Test func anAbandonedFileLeavesNothing() throws {
        try "old".write(toFile: path("out"), atomically: false, encoding: .utf8)
        do {
            let file = try AtomicFile(path: path("out"))
            try file.write("new")
        }
        #expect(try String(contentsOfFile: path("out"), encoding: .utf8) == "old")
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["out"])
    }

    @Test func unwritableFoldersAreNamed() {
        #expect { try AtomicFile(path: path("no/such/out")) } throws: {
            ($0 as? ZooError)?.file?.hasSuffix("no/such/out") == true
        }
    }

    @Test func mappedStorageHoldsTheFilesBytes() throws {
        let bytes = (0..<10_000).map { UInt8(truncatingIfNeeded: $0) }
        try Data(bytes).write(to: URL(filePath: path("m")))
        let storage = try TensorStorage(mapping: path("m"), at: 5_000, byteCount: 100)
        let tensor = try Tensor(storage: storage, elementType: .u8, shape: [100])
        #expect(try tensor.scalars(UInt8.self) == Array(bytes[5_000..<5_100]))
    }
}
