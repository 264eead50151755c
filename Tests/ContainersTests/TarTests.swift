import Testing
import ZooContainers
import ZooTensors

@Suite struct TarTests {
    private func member(_ name: String, _ content: [UInt8], kind: Character = "0", prefix: String = "")
        -> [UInt8]
    {
        var header = [UInt8](repeating: 0, count: 512)
        func put(_ text: String, at place: Int) {
            for (index, byte) in text.utf8.enumerated() { header[place + index] = byte }
        }
        put(name, at: 0)
        let size = String(content.count, radix: 8)
        put(String(repeating: "0", count: 11 - size.count) + size, at: 124)
        put(String(kind), at: 156)
        put("ustar\u{0}00", at: 257)
        put(prefix, at: 345)
        let sum = header.reduce(8 * 0x20) { $0 + Int($1) }
        let digits = String(sum, radix: 8)
        put(String(repeating: "0", count: 6 - digits.count) + digits + "\u{0} ", at: 148)
        let padding = (512 - content.count % 512) % 512
        return header + content + [UInt8](repeating: 0, count: padding)
    }

    private func read(_ bytes: [UInt8]) throws -> TarArchive { try TarArchive(ByteSource(bytes: bytes)) }

    @Test func namesAndContents() throws {
        let long = String(repeating: "n", count: 150)
        let bytes =
            member("a", [1, 2, 3]) + member("folder", [], kind: "5") + member("b", [], prefix: "deep/er")
            + member("pax", Array("30 path=ignored\n".utf8), kind: "x") + member("link", [], kind: "2")
            + member("././@LongLink", Array(long.utf8) + [0], kind: "L") + member("nnn", [9])
            + member("a", [4]) + [UInt8](repeating: 0, count: 1024)
        let files = try read(bytes).files
        #expect(Set(files.keys) == ["a", "deep/er/b", long])
        #expect(try files["a"]?.allBytes() == [4])
        #expect(try files[long]?.allBytes() == [9])
    }

    @Test func damageIsAnError() throws {
        var wrong = member("a", [1])
        wrong[3] = 7
        #expect(throws: ZooError.self) { try self.read(wrong) }
        let cut = Array(member("a", [UInt8](repeating: 1, count: 600)).prefix(1024))
        let error = #expect(throws: ZooError.self) { try self.read(cut) }
        #expect(error?.code == .truncated)
        #expect(try read([UInt8](repeating: 0, count: 1024)).files.isEmpty)
    }
}
