import Testing
import ZooContainers
import ZooTensors

@Suite struct SHA256Tests {
    /// The examples of FIPS 180-4.
    @Test(arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func publishedExamples(text: String, hash: String) throws {
        #expect(try SHA256Digest.hexadecimal(of: ByteSource(bytes: Array(text.utf8))) == hash)
    }

    @Test func piecesGiveTheSameAsTheWhole() throws {
        let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
        var whole = SHA256Digest()
        whole.update(bytes)
        let expected = whole.finish()
        for size in [1, 3, 63, 64, 65, 200] {
            var pieces = SHA256Digest()
            for start in stride(from: 0, to: bytes.count, by: size) {
                pieces.update(Array(bytes[start..<min(start + size, bytes.count)]))
            }
            #expect(pieces.finish() == expected)
        }
    }
}
