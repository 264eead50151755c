import Testing
import ZooContainers
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

@Suite struct IDXTests {
    private func error(_ body: () throws(ZooError) -> Void) -> ZooError? {
        do throws(ZooError) { try body() } catch { return error }
        return nil
    }

    @Test func readsPicturesAndLabels() throws {
        let dataset = try TestData.numbered(7)
        #expect(dataset.count == 7)
        #expect(dataset.classes == ["0", "1", "2"])
        #expect(dataset.labels == [0, 1, 2, 0, 1, 2, 0])
        #expect(dataset.pictureSize == Extent(3, 4))
        #expect(dataset.classCounts == [3, 2, 2])
        let sample = try dataset.sample(at: 5)
        #expect(sample.label == 2)
        #expect(sample.picture.width == 4 && sample.picture.height == 3)
        #expect(sample.picture.pixels == [UInt8](repeating: 5, count: 12))
        for index in [-1, 7] { #expect(throws: ZooError.self) { try dataset.sample(at: index) } }
    }

    @Test(arguments: ["", ".gz"]) func findsTheFilesOfAFolder(ending: String) throws {
        let folder = try TemporaryFolder()
        func write(_ name: String, _ bytes: [UInt8]) throws {
            try TestFiles.write(ending.isEmpty ? bytes : Gzip.compress(bytes), to: folder.file(name + ending))
        }
        try write("train-images-idx3-ubyte", TestData.idx([2, 1, 1], [10, 20]))
        try write("train-labels-idx1-ubyte", TestData.idx([2], [1, 0]))
        try write("t10k-images-idx3-ubyte", TestData.idx([1, 1, 1], [30]))
        try write("t10k-labels-idx1-ubyte", TestData.idx([1], [1]))
        let train = try IDXDataset(folder: folder.path, split: .train)
        #expect(train.labels == [1, 0])
        #expect(try train.picture(at: 1).pixels == [20])
        let test = try IDXDataset(folder: folder.path, split: .test, classes: ["cat", "dog"])
        #expect(test.classes == ["cat", "dog"])
        #expect(try test.picture(at: 0).pixels == [30])
        try TestFiles.write(Array("boot\r\nshirt\r\n".utf8), to: folder.file("labels.txt"))
        #expect(try IDXDataset(folder: folder.path, split: .test).classes == ["boot", "shirt"])
        try TestFiles.write(Array("boot\n".utf8), to: folder.file("labels.txt"))
        let failure = error { () throws(ZooError) in _ = try IDXDataset(folder: folder.path, split: .test) }
        #expect(failure?.code == .mismatch && failure?.remedy != nil)
    }

    @Test func saysWhichFileIsMissing() throws {
        let folder = try TemporaryFolder()
        try TestFiles.write([1], to: folder.file("pictures.zip"))
        let failure = error { () throws(ZooError) in _ = try IDXDataset(folder: folder.path, split: .test) }
        #expect(failure?.code == .fileNotFound)
        #expect(failure?.file == folder.path)
        #expect(failure?.expected == "t10k-images-idx3-ubyte or t10k-images-idx3-ubyte.gz")
        #expect(failure?.found == "pictures.zip")
        let nowhere = error { () throws(ZooError) in
            _ = try IDXDataset(folder: folder.file("nowhere"), split: .test)
        }
        #expect(nowhere?.code == .fileNotFound)
    }

    @Test func refusesWhatContradictsItself() {
        let files: [(String, [UInt8], ZooError.Code)] = [
            ("empty", [], .unknownFormat), ("PNG", [0x89, 0x50, 0x4E, 0x47], .unknownFormat),
            ("floats", [0, 0, 13, 1, 0, 0, 0, 0], .unsupported), ("no dimensions", [0, 0, 8, 0], .corrupt),
            ("many dimensions", [0, 0, 8, 200], .corrupt),
            ("cut header", [0, 0, 8, 3, 0, 0, 0, 1], .truncated),
            ("cut data", TestData.idx([3, 2], [1, 2, 3, 4, 5]), .truncated),
            ("long data", TestData.idx([3], [1, 2, 3, 4]), .corrupt),
            ("huge", TestData.idx([0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [1]), .corrupt),
        ]
        for (name, bytes, code) in files {
            let failure = error { () throws(ZooError) in
                _ = try IDXFile(ByteSource(bytes: bytes, path: "x.idx"))
            }
            #expect(failure?.code == code, "\(name)")
            #expect(failure?.file == "x.idx" || name == "huge", "\(name)")
        }
        #expect(throws: ZooError.self) {
            try IDXDataset(
                pictures: IDXFile(ByteSource(bytes: TestData.idx([2, 1, 1], [1, 2]))),
                labels: IDXFile(ByteSource(bytes: TestData.idx([3], [1, 2, 3]))))
        }
        #expect(throws: ZooError.self) {
            try IDXDataset(
                pictures: IDXFile(ByteSource(bytes: TestData.idx([2, 0, 5], []))),
                labels: IDXFile(ByteSource(bytes: TestData.idx([2], [1, 2]))))
        }
    }

    @Test(arguments: [false, true]) func damagedFilesGiveDataOrErrors(isCompressed: Bool) throws {
        let pixels = (0..<(20 * 28 * 28)).map { UInt8(truncatingIfNeeded: $0 &* 37 >> 3) }
        let plain = TestData.idx([20, 28, 28], pixels)
        let bytes = isCompressed ? try Gzip.compress(plain) : plain
        let labels = try IDXFile(ByteSource(bytes: TestData.idx([20], [UInt8](0..<20))))
        // Compressed, the damage goes anywhere; plain, into the header, for pixels can't be wrong.
        var mutations = Mutations(of: bytes, seed: 5, focus: isCompressed ? nil : 0..<16)
        let tally = mutations.run(600) { (variant) throws(ZooError) in
            let pictures = try IDXFile(ByteSource(bytes: variant))
            for index in 0..<pictures.count { _ = try pictures.item(index) }
            let dataset = try IDXDataset(pictures: pictures, labels: labels)
            _ = try dataset.picture(at: 19)
        }
        #expect(tally.errors > 300, "\(tally)")
    }

    @Test(.enabled(if: TestFiles.exists("/usr/share/datasets/fashion-mnist")))
    func readsDebiansFashionMNIST() throws {
        let dataset = try IDXDataset(folder: "/usr/share/datasets/fashion-mnist", split: .test)
        #expect(dataset.count == 10_000)
        #expect(dataset.classCounts == [Int](repeating: 1000, count: 10))
        #expect(dataset.pictureSize == Extent(28, 28))
        #expect(dataset.labels.prefix(5) == [9, 2, 1, 1, 6])
    }
}
