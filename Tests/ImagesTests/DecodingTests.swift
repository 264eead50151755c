import Testing
import ZooImages
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

@Suite struct DecodingTests {
    @Test func everyFixtureHasPillowsPixels() throws {
        let entries = try Golden.entries("pictures")
        #expect(entries.count == 55)
        for entry in entries {
            let name = try #require(entry["file"]?.stringValue)
            let file = try PictureFile(bytes: Golden.file(name), name: name)
            let picture = file.picture
            #expect(picture.width == entry["width"]?.intValue, "\(name)")
            #expect(picture.height == entry["height"]?.intValue, "\(name)")
            #expect((picture.channels == 1) == entry["is_grey"]?.boolValue, "\(name)")
            let (rgb, grey) = (picture.rgb(), picture.grey())
            #expect(
                Golden.digest(rgb.pixels) == entry["rgb"]?.stringValue,
                "\(name) begins \(rgb.pixels.prefix(12)), for Pillow \(entry["first_rgb"]?.intArrayValue ?? [])"
            )
            #expect(Golden.digest(grey.pixels) == entry["grey"]?.stringValue, "\(name) in grey")
            #expect(file.orientation == entry["orientation"]?.intValue, "\(name)")
            #expect(file.format == (name.hasSuffix(".png") ? .png : .jpeg))
            #expect(file.damageCount == 0)
            if let upright = entry["upright"]?.stringValue {
                #expect(
                    Golden.digest(picture.turned(by: file.orientation).rgb().pixels) == upright,
                    "\(name) upright")
            }
        }
    }

    @Test func picturesSurviveEncoding() throws {
        for (width, height, channels) in [(1, 1, 1), (13, 9, 3), (300, 2, 1), (64, 64, 3)] {
            let pixels = Golden.randomBytes(width * height * channels, seed: 4)
            let picture = try Picture(width: width, height: height, channels: channels, pixels: pixels)
            #expect(try Picture.decode(picture.encodedPNG()) == picture)
        }
    }

    @Test func otherFormatsAreNamed() throws {
        for (bytes, format) in [
            (Array("GIF89a......".utf8), "GIF"), (Array("RIFF....WEBPVP8 ".utf8), "WebP"),
            ([], "an empty file"),
            (Array("<!DOCTYPE html>".utf8), "a web page"), ([1, 2, 3, 4], "another format"),
        ] {
            let error = #expect(throws: ZooError.self) { try Picture.decode(bytes, name: "cat.jpg") }
            #expect(error?.code == .unknownFormat)
            #expect(error?.found == format)
            #expect(error?.file == "cat.jpg")
            #expect(error?.remedy != nil)
        }
    }

    @Test(arguments: ["png-rgb-8.png", "png-grey-16-adam7.png", "jpeg-420.jpg", "jpeg-progressive.jpg"])
    func everyCutIsAnError(name: String) throws {
        let bytes = try Golden.file(name)
        for count in 0..<bytes.count {
            let error = #expect(throws: ZooError.self, "\(count) of \(bytes.count) bytes") {
                try Picture.decode(Array(bytes.prefix(count)), name: name)
            }
            #expect(error?.file == name)
            if count > 8 { #expect(error?.code == .truncated) }
        }
    }

    @Test(arguments: ["png-rgb-8.png", "jpeg-420.jpg"])
    func limitsAreKept(name: String) throws {
        let bytes = try Golden.file(name)
        let picture = try Picture.decode(bytes)
        var exact = PictureLimits()
        exact.pixelCount = picture.width * picture.height
        exact.side = max(picture.width, picture.height)
        #expect(try Picture.decode(bytes, limits: exact) == picture)
        var (narrow, small) = (exact, exact)
        narrow.side -= 1
        small.pixelCount -= 1
        for limits in [narrow, small] {
            let error = #expect(throws: ZooError.self) {
                try Picture.decode(bytes, name: name, limits: limits)
            }
            #expect(error?.code == .limitExceeded)
            #expect(error?.found == "\(picture.width) × \(picture.height)")
        }
    }

    /// A header that announces 13,000 × 13,000 pixels in a file of a few hundred bytes must not cost memory.
    @Test func tinyFilesDontHoldHugePictures() throws {
        var png = try Golden.file("png-rgb-8.png")
        png.replaceSubrange(16..<24, with: [0, 0, 0x32, 0xC8, 0, 0, 0x32, 0xC8])
        png = try Rebuilt.png(withChecksumsOf: png)
        let first = #expect(throws: ZooError.self) { try Picture.decode(png) }
        #expect(first?.code == .truncated)
        #expect(first?.problem.contains("too small for the picture") == true)

        var jpeg = try Golden.file("jpeg-420.jpg")
        let frame = try #require(jpeg.indices.first { jpeg[$0...].starts(with: [0xFF, 0xC0]) })
        jpeg.replaceSubrange((frame + 5)..<(frame + 9), with: [0x32, 0xC8, 0x32, 0xC8])
        let second = #expect(throws: ZooError.self) { try Picture.decode(jpeg) }
        #expect(second?.problem.contains("too small for the picture") == true)
    }

    @Test func damagedFilesGivePicturesOrErrors() throws {
        var tally = (results: 0, errors: 0)
        for entry in try Golden.entries("pictures") {
            let name = try #require(entry["file"]?.stringValue)
            let bytes = try Golden.file(name)
            var mutations = Mutations(of: bytes, seed: 7)
            let outcome = mutations.run(200) { (variant) throws(ZooError) in
                let file = try PictureFile(bytes: variant, name: name)
                _ = file.picture.turned(by: file.orientation).grey()
            }
            tally.results += outcome.results
            tally.errors += outcome.errors
        }
        // Both kinds must occur, or the mutations test nothing.
        #expect(tally.results > 500)
        #expect(tally.errors > 500)
    }

    /// PNG's checksums catch nearly every change, so these have theirs put right: what lies behind is
    /// reached.
    @Test func damagedChunksWithRightChecksums() throws {
        for entry in try Golden.entries("pictures") {
            let name = try #require(entry["file"]?.stringValue)
            guard name.hasSuffix(".png") else { continue }
            var mutations = Mutations(of: try Golden.file(name), seed: 8)
            _ = mutations.run(100) { (variant) throws(ZooError) in
                _ = try Picture.decode(Rebuilt.png(withChecksumsOf: variant), name: name)
            }
        }
    }
}
