import Testing
import ZooContainers
import ZooTensors
import ZooTestSupport

@Suite struct ZipTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func write(
        _ members: [(String, [UInt8])], thresholds: ZipWriter.Thresholds = ZipWriter.Thresholds()
    ) throws -> [UInt8] {
        let path = folder.file("a.zip")
        let writer = try ZipWriter(path: path, thresholds: thresholds)
        for (name, bytes) in members { try writer.add(name, bytes) }
        try writer.finish()
        return try TestFiles.read(path)
    }

    private func open(_ bytes: [UInt8], limits: ReadLimits = ReadLimits()) throws(ZooError) -> ZipArchive {
        try ZipArchive(ByteSource(bytes: bytes, path: "a.zip"), limits: limits)
    }

    private let members: [(String, [UInt8])] = [
        ("root/data.pkl", Array("hello".utf8)), ("root/empty", []),
        ("root/data/0", (0..<200).map { UInt8($0) }),
    ]

    @Test func whatIsWrittenIsRead() throws {
        let archive = try open(try write(members))
        #expect(archive.members.map(\.name) == members.map(\.0))
        for (name, bytes) in members {
            let member = try #require(archive[name])
            #expect(try member.bytes() == bytes)
            #expect(try member.source().start.isMultiple(of: 64), "data is aligned")
        }
        #expect(archive["root/data"] == nil)
    }

    @Test func manyOrLargeMembersUseWideRecords() throws {
        var thresholds = ZipWriter.Thresholds()
        thresholds.size = 150
        thresholds.count = 2
        let bytes = try write(members, thresholds: thresholds)
        let archive = try open(bytes)
        #expect(archive.members.map(\.name) == members.map(\.0))
        for (name, content) in members { #expect(try archive[name]?.bytes() == content) }
        #expect(
            bytes.suffix(42).starts(with: [0x50, 0x4B, 6, 7]), "a zip64 locator stands before the end record")
    }

    @Test func bytesAfterTheArchiveAreTolerated() throws {
        let archive = try open(try write(members) + [1, 2, 3, 4])
        #expect(archive.members.count == 3)
    }

    @Test func aChangedByteIsFoundWhenTheMemberIsRead() throws {
        var bytes = try write(members)
        let place = try #require(try open(bytes)["root/data/0"]).source().start
        bytes[place + 7] ^= 4
        let member = try #require(try open(bytes)["root/data/0"])
        let error = #expect(throws: ZooError.self) { try member.bytes() }
        #expect(error?.code == .checksum)
        #expect(throws: ZooError.self) { try member.storage(at: 0, byteCount: 200) }
    }

    @Test func aCutFileSaysSo() throws {
        let bytes = try write(members)
        for count in [0, 4, 100, bytes.count - 23, bytes.count - 1] {
            let error = #expect(throws: ZooError.self) { try self.open(Array(bytes.prefix(count))) }
            #expect(error?.code == .truncated, "\(count)")
        }
    }

    /// Changes the name of the last member in the table of contents.
    private func renamed(_ name: String, from old: String, in bytes: [UInt8]) throws -> [UInt8] {
        var copy = bytes
        let raw = Array(old.utf8)
        let place = try #require(bytes.indices.last { bytes[$0...].starts(with: raw) })
        copy.replaceSubrange(place..<(place + raw.count), with: Array(name.utf8))
        return copy
    }

    @Test(arguments: [
        "/oot/data/0", "../a/data/0", "root/../a/0", "C:ot/data/0", "root\\data/0", "root/d\0ta/0",
    ])
    func unsafeNamesAreRefused(_ name: String) throws {
        let bytes = try renamed(name, from: "root/data/0", in: try write(members))
        let error = #expect(throws: ZooError.self) { try self.open(bytes) }
        #expect(error?.code == .refused)
    }

    @Test func repeatedNamesAreRefused() throws {
        let bytes = try write([("root/a", [1]), ("root/b", [2])])
        let error = #expect(throws: ZooError.self) {
            try self.open(try self.renamed("root/a", from: "root/b", in: bytes))
        }
        #expect(error?.problem.contains("two members") == true)
        #expect(throws: ZooError.self) { try self.write([("a", []), ("a", [])]) }
    }

    @Test func membersThatOverlapAreRefused() throws {
        let bytes = try write(members)
        // The size of the first member, in both places of its entry, becomes larger than the room before the next.
        let entry = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        var long = bytes
        for place in [entry + 20, entry + 24] { long.replaceSubrange(place..<(place + 2), with: [0x80, 0]) }
        let error = #expect(throws: ZooError.self) { try self.open(long) }
        #expect(error?.problem.contains("overlaps") == true)
        var same = bytes
        let second = try #require(
            bytes.indices.dropFirst(entry + 1).first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        same.replaceSubrange((second + 42)..<(second + 46), with: bytes[(entry + 42)..<(entry + 46)])
        #expect(throws: ZooError.self) { try self.open(same) }
    }

    @Test func namesInOldCodePagesAreTolerated() throws {
        let name = String(repeating: "e", count: 40)
        var bytes = try write([(name, [1, 2, 3])])
        // The same in both headers: bytes that aren't UTF-8 and take three times the room when repaired.
        for place in bytes.indices.dropLast(40) where bytes[place...].starts(with: Array(name.utf8)) {
            for index in place..<(place + 40) { bytes[index] = 0xE9 }
        }
        let archive = try open(bytes)
        #expect(try archive.members.first?.bytes() == [1, 2, 3])
    }

    /// As `torch.serialization.set_crc32_options(False)` writes them.
    @Test func archivesWithoutChecksumsAreRead() throws {
        var bytes = try write([("a", [1, 2, 3]), ("b", [4])])
        for place in bytes.indices.dropLast(20) {
            if bytes[place...].starts(with: [0x50, 0x4B, 3, 4]) {
                bytes.replaceSubrange((place + 14)..<(place + 18), with: [0, 0, 0, 0])
            }
            if bytes[place...].starts(with: [0x50, 0x4B, 1, 2]) {
                bytes.replaceSubrange((place + 16)..<(place + 20), with: [0, 0, 0, 0])
            }
        }
        let archive = try open(bytes)
        #expect(!archive.hasChecksums)
        #expect(try archive["a"]?.bytes() == [1, 2, 3])
    }

    @Test func encryptedMembersAreRefused() throws {
        var bytes = try write(members)
        let entry = try #require(bytes.indices.first { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        bytes[entry + 8] |= 1
        let error = #expect(throws: ZooError.self) { try self.open(bytes) }
        #expect(error?.problem.contains("encrypted") == true)
    }

    @Test func bombsAreRefused() throws {
        // A deflated member that announces a gigabyte.
        let plain = [UInt8](repeating: 0, count: 40 << 20)
        let packed = try deflated(plain, wrapping: .raw)
        var bytes = try write([("a", packed)])
        let entry = try #require(bytes.indices.last { bytes[$0...].starts(with: [0x50, 0x4B, 1, 2]) })
        for place in [entry + 10, 8] { bytes[place] = 8 }
        let size = (0..<4).map { UInt8(truncatingIfNeeded: plain.count >> (8 * $0)) }
        bytes.replaceSubrange((entry + 24)..<(entry + 28), with: size)
        bytes.replaceSubrange(22..<26, with: size)
        var sum = CRC32()
        try sum.update(plain)
        let checksum = (0..<4).map { UInt8(truncatingIfNeeded: sum.value >> (8 * $0)) }
        bytes.replaceSubrange((entry + 16)..<(entry + 20), with: checksum)
        bytes.replaceSubrange(14..<18, with: checksum)
        #expect(try open(bytes)["a"]?.bytes() == plain, "the member is sound")
        var limits = ReadLimits()
        limits.expansionRatio = 100
        let member = try #require(try open(bytes, limits: limits)["a"])
        let error = #expect(throws: ZooError.self) { try member.bytes() }
        #expect(error?.code == .limitExceeded)
    }

    @Test func mutationsNeverTrap() throws {
        var mutations = Mutations(of: try write(members))
        let tally = mutations.run(1000) { (bytes) throws(ZooError) in
            for member in try self.open(bytes).members { _ = try member.bytes() }
        }
        #expect(tally.errors > 500 && tally.results > 5, "\(tally)")
    }

    @Test(.enabled(if: Python.isInstalled)) func pythonReadsIt() throws {
        var wide = ZipWriter.Thresholds()
        wide.size = 150
        wide.count = 2
        for thresholds in [ZipWriter.Thresholds(), wide] {
            _ = try write(members, thresholds: thresholds)
            let (output, status) = try Python.run(
                """
                import sys, zipfile
                archive = zipfile.ZipFile(sys.argv[1])
                assert archive.testzip() is None
                print([(i.filename, i.file_size) for i in archive.infolist()])
                """, [folder.file("a.zip")])
            #expect(status == 0, "\(output)")
            #expect(output.contains("[('root/data.pkl', 5), ('root/empty', 0), ('root/data/0', 200)]"))
        }
    }
}
