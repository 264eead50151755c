import Testing
import ZooImages
import ZooTensors
import ZooTestSupport

/// Ten thousand damaged pictures of each format and kind of damage, always the same ones: each gives a picture or
/// one error.
@Suite(.serialized) struct PictureMutationTests {
    private static let folder = "Tests/ImagesTests/Fixtures"
    /// Grey and colour, with palette and with alpha, 1 to 16 bits, interlaced and not.
    private static let pngs =
        [
            "png-grey-1", "png-grey-2-adam7", "png-grey-4", "png-grey-8", "png-grey-16", "png-grey-16-adam7",
            "png-grey-alpha-8", "png-grey-transparent", "png-palette-1", "png-palette-4-adam7",
            "png-palette-8",
            "png-palette-transparent", "png-rgb-8", "png-rgb-8-adam7", "png-rgb-16", "png-rgb-transparent",
            "png-rgba-8", "png-rgba-16-adam7", "png-gamma",
        ].map { "\(folder)/\($0).png" } + ["zoo/data/pictures/bag-9249.png"]
    /// Baseline and progressive, grey, colour and ink, all samplings, with restart markers and with EXIF.
    private static let jpegs = [
        "jpeg-420", "jpeg-420-coarse", "jpeg-420-tiny", "jpeg-422", "jpeg-440", "jpeg-444", "jpeg-cmyk",
        "jpeg-ycck", "jpeg-grey", "jpeg-progressive", "jpeg-restart", "jpeg-rgb", "jpeg-turned-6",
    ].map { "\(folder)/\($0).jpg" }

    private static func decode(_ bytes: [UInt8]) throws(ZooError) {
        let file = try PictureFile(bytes: bytes, name: "mutated")
        let upright = file.picture.turned(by: file.orientation)
        _ = upright.grey()
        _ = upright.rgb()
    }

    /// Spreads the variants over the files; `damage` says what a file's mutations are made of, `read` what is done
    /// with each.
    private func run(
        _ names: [String], seed: UInt64, damage: ([UInt8]) throws -> [UInt8] = { $0 },
        focus: ([UInt8]) -> Range<Int>? = { _ in nil },
        read: @escaping (_ original: [UInt8], _ variant: [UInt8]) throws(ZooError) -> Void
    ) throws -> Mutations.Tally {
        var total = Mutations.Tally()
        for (index, name) in names.enumerated() {
            let original = try TestFiles.read(TestFiles.path(name))
            let count =
                MutationTests.count / names.count + (index < MutationTests.count % names.count ? 1 : 0)
            let part = try damage(original)
            var mutations = Mutations(of: part, seed: seed + UInt64(index), focus: focus(part))
            let tally = mutations.run(count) { (variant) throws(ZooError) in try read(original, variant) }
            total.add(tally)
        }
        #expect(total.results + total.errors == MutationTests.count)
        return total
    }

    @Test func png() throws {
        let tally = try run(Self.pngs, seed: 1) { (_, variant) throws(ZooError) in try Self.decode(variant) }
        #expect(tally.errors > MutationTests.count / 2, "\(tally)")
    }

    /// With the checksums put right, the damage reaches what reads the chunks.
    @Test func pngWithRightChecksums() throws {
        let tally = try run(Self.pngs, seed: 2) { (_, variant) throws(ZooError) in
            try Self.decode(Rebuilt.png(withChecksumsOf: variant))
        }
        // Most hit the compressed pixels, which have a checksum of their own.
        #expect(
            tally.results > MutationTests.count / 100 && tally.errors > MutationTests.count / 2, "\(tally)")
    }

    /// The header's numbers, one or more of them wrong, with the right checksum.
    @Test func pngHeaders() throws {
        let tally = try run(Self.pngs, seed: 3, focus: { _ in 16..<29 }) { (_, variant) throws(ZooError) in
            try Self.decode(Rebuilt.png(withChecksumsOf: variant))
        }
        #expect(tally.errors > MutationTests.count / 4, "\(tally)")
    }

    /// Damage in the pixels before they are compressed: filters that don't exist, rows missing or too many.
    @Test func pngPixelStreams() throws {
        let tally = try run(Self.pngs, seed: 4, damage: Rebuilt.pixelStream(ofPNG:)) {
            (original, variant) throws(ZooError) in
            try Self.decode(Rebuilt.png(original, pixelStream: variant))
        }
        #expect(
            tally.results > MutationTests.count / 20 && tally.errors > MutationTests.count / 20, "\(tally)")
    }

    @Test func jpeg() throws {
        let tally = try run(Self.jpegs, seed: 5) { (_, variant) throws(ZooError) in try Self.decode(variant) }
        #expect(
            tally.results > MutationTests.count / 20 && tally.errors > MutationTests.count / 20, "\(tally)")
    }

    /// The same in everything before the first scan: tables, sizes, samplings, EXIF.
    @Test func jpegHeaders() throws {
        let tally = try run(
            Self.jpegs, seed: 6,
            focus: { bytes in
                2..<(bytes.indices.first { bytes[$0...].starts(with: [0xFF, 0xDA]) } ?? bytes.count)
            }
        ) { (_, variant) throws(ZooError) in try Self.decode(variant) }
        #expect(tally.errors > MutationTests.count / 4, "\(tally)")
    }

    /// What a header may announce; none of it is believed before the file has what it takes.
    @Test(arguments: [
        (0xFFFF, 0xFFFF), (0x7FFF_FFFF, 0x7FFF_FFFF), (0x7FFF_FFFF, 1), (1, 0x7FFF_FFFF), (0xFFFF_FFFF, 1),
        (0x8000_0000, 0x8000_0000), (1 << 20, 170), (0, 0), (13_000, 13_000),
    ])
    func impossibleSizes(width: Int, height: Int) throws {
        func bigEndian(_ value: Int, _ count: Int) -> [UInt8] {
            (0..<count).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        }
        for name in Self.pngs {
            var bytes = try TestFiles.read(TestFiles.path(name))
            bytes.replaceSubrange(16..<24, with: bigEndian(width, 4) + bigEndian(height, 4))
            let variant = try Rebuilt.png(withChecksumsOf: bytes)
            #expect(throws: ZooError.self, "\(name)") { try Self.decode(variant) }
        }
        guard width <= 0xFFFF, height <= 0xFFFF else { return }
        for name in Self.jpegs {
            var bytes = try TestFiles.read(TestFiles.path(name))
            let frame = try #require(
                bytes.indices.first { place in
                    (0xC0...0xC2).contains { bytes[place...].starts(with: [0xFF, $0]) }
                })
            bytes.replaceSubrange((frame + 5)..<(frame + 9), with: bigEndian(height, 2) + bigEndian(width, 2))
            #expect(throws: ZooError.self, "\(name)") { try Self.decode(bytes) }
        }
    }
}
