import Testing
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

@Suite struct PictureFolderTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    private func add(_ path: String, _ bytes: [UInt8]) throws {
        var made = ""
        for part in path.split(separator: "/").dropLast() {
            made += made.isEmpty ? String(part) : "/\(part)"
            TestData.makeFolder(folder.file(made))
        }
        try TestFiles.write(bytes, to: folder.file(path))
    }

    private func open() -> Result<PictureFolder, ZooError> {
        do throws(ZooError) { return .success(try PictureFolder(path: folder.path)) } catch {
            return .failure(error)
        }
    }

    private func failure() -> ZooError? {
        if case .failure(let error) = open() { error } else { nil }
    }

    @Test func classesAndPicturesAreOrderedAsByImageFolder() throws {
        for (path, value) in [
            ("b/2.png", 4), ("b/10.PNG", 3), ("b/a/0.png", 5), ("b/.hidden/9.png", 9), ("Z/x.jpeg.png", 1),
            ("ä/1.png", 7), ("a/1.png", 2), ("b/a-b.png", 6),
        ] {
            try add(path, try TestData.png(UInt8(value)))
        }
        try add("a/notes.txt", [1])
        try add("a/.hidden.png", [1])
        try add("outside.png", [1])
        let dataset = try open().get()
        #expect(dataset.classes == ["Z", "a", "b", "ä"])
        let relative = (0..<dataset.count).map { dataset.sampleName(at: $0).dropFirst(folder.path.count + 1) }
        #expect(
            relative == [
                "Z/x.jpeg.png", "a/1.png", "b/10.PNG", "b/2.png", "b/a-b.png", "b/a/0.png", "ä/1.png",
            ])
        #expect(dataset.labels == [0, 1, 2, 2, 2, 2, 3])
        #expect(dataset.ignoredFileCount == 1)
        let values = try (0..<dataset.count).map { try dataset.picture(at: $0).pixels[0] }
        #expect(values == [1, 2, 3, 4, 6, 5, 7])
        #expect(throws: ZooError.self) { try dataset.picture(at: 7) }
    }

    @Test func labelsFileGivesTheOrder() throws {
        for name in ["cat", "dog"] { try add("\(name)/1.png", try TestData.png(1)) }
        try add("labels.txt", Array("dog\nbird\ncat\n".utf8))
        let dataset = try open().get()
        #expect(dataset.classes == ["dog", "bird", "cat"])
        #expect(dataset.labels == [2, 0])
        #expect(dataset.classCounts == [1, 0, 1])
    }

    @Test func labelsFileGivesTitles() throws {
        for name in ["n01", "n02"] { try add("\(name)/1.png", try TestData.png(1)) }
        try add("labels.txt", Array("great white shark\r\n tench ".utf8))
        let dataset = try open().get()
        #expect(dataset.classes == ["great white shark", "tench"])
        #expect(dataset.labels == [0, 1])
    }

    @Test func labelsFileThatDoesntFit() throws {
        for name in ["cat", "dog"] { try add("\(name)/1.png", try TestData.png(1)) }
        for (text, code) in [
            ("cat\nbird", ZooError.Code.mismatch), ("x\ny\nz", .mismatch), ("cat\ncat", .ambiguous),
            ("", .corrupt),
            ("cat\n\ndog", .corrupt), ("\u{FFFD}", .mismatch),
        ] {
            try add("labels.txt", Array(text.utf8))
            #expect(failure()?.code == code, "\(text)")
            #expect(failure()?.file == folder.file("labels.txt"))
        }
        try add("labels.txt", [0xFF, 0xFE])
        #expect(failure()?.code == .corrupt)
    }

    @Test func brokenPicturesAreNamed() throws {
        try add("cat/1.png", try TestData.png(1))
        try add("cat/2.png", Array(try TestData.png(1).prefix(60)))
        try add("cat/3.jpg", Array("<html>".utf8))
        let dataset = try open().get()
        for (index, name, code) in [
            (1, "cat/2.png", ZooError.Code.truncated), (2, "cat/3.jpg", .unknownFormat),
        ] {
            let error = #expect(throws: ZooError.self) { try dataset.picture(at: index) }
            #expect(error?.file == folder.file(name))
            #expect(error?.code == code)
            #expect(error?.remedy != nil)
        }
        let loader = try Loader(dataset, preprocessing: Preprocessing(channels: .grey))
        let batches = try loader.epoch(0)
        for _ in 0..<2 {
            let error = #expect(throws: ZooError.self) { try batches.nextBatch() }
            #expect(error?.file == folder.file("cat/2.png") || error?.file == folder.file("cat/3.jpg"))
        }
    }

    @Test func foldersWithoutClassesOrPictures() throws {
        #expect(failure()?.code == .invalidArgument)
        try add("cat/readme.txt", [1])
        let empty = failure()
        #expect(empty?.file == folder.file("cat"))
        #expect(empty?.found == "1 other files")
        #expect(throws: ZooError.self) { try PictureFolder(path: folder.file("nowhere")) }
        #expect(throws: ZooError.self) { try PictureFolder(path: folder.file("cat/readme.txt")) }
    }
}
