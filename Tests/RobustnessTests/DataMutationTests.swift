import Testing
import ZooContainers
import ZooDatasets
import ZooTensors
import ZooTestSupport

/// Ten thousand damaged files of each kind of data that commands read, always the same ones: each gives a result
/// or one error.
@Suite(.serialized) struct DataMutationTests {
    private static func bigEndian(_ value: Int) -> [UInt8] {
        (0..<4).reversed().map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }

    /// Twenty pictures of 6×5.
    private static let pictures =
        [0, 0, 8, 3] + bigEndian(20) + bigEndian(6) + bigEndian(5) + (0..<600).map { UInt8($0 % 251) }
    /// Their labels.
    private static let labels = [0, 0, 8, 1] + bigEndian(20) + (0..<20).map { UInt8($0 % 4) }

    private static func source(_ bytes: [UInt8]) -> ByteSource { ByteSource(bytes: bytes, path: "mutated") }

    /// Reads everything that a pair of files holds.
    private static func read(pictures: [UInt8], labels: [UInt8]) throws(ZooError) {
        let dataset = try IDXDataset(
            pictures: IDXFile(source(pictures)), labels: IDXFile(source(labels)))
        for index in 0..<dataset.count { _ = try dataset.sample(at: index) }
        _ = dataset.classCounts
    }

    private func expectBoth(_ tally: Mutations.Tally, count: Int) {
        #expect(tally.results + tally.errors == count)
        // Both must occur, or the mutations test nothing.
        #expect(tally.results > count / 50 && tally.errors > count / 50, "\(tally)")
    }

    @Test func idx() throws {
        var total = Mutations.Tally()
        for (file, header) in [(Self.pictures, 16), (Self.labels, 8)] {
            let isPictures = header == 16
            var mutations = Mutations(of: file, seed: 20_240_601, focus: 0..<header)
            total.add(
                mutations.run(MutationTests.count / 2) { (variant) throws(ZooError) in
                    try Self.read(
                        pictures: isPictures ? variant : Self.pictures,
                        labels: isPictures ? Self.labels : variant)
                })
        }
        #expect(total.results + total.errors == MutationTests.count)
        #expect(total.errors > MutationTests.count / 2, "\(total)")
        // The elements: any byte is a pixel, and nearly any a label.
        var mutations = Mutations(of: Self.pictures, seed: 20_240_601, focus: 16..<Self.pictures.count)
        expectBoth(
            mutations.run(MutationTests.count) { (variant) throws(ZooError) in
                try Self.read(pictures: variant, labels: Self.labels)
            }, count: MutationTests.count)
    }

    /// Half of the variants are damaged as compressed files, half before they are compressed.
    @Test func gzippedIDX() throws {
        var total = Mutations.Tally()
        for file in [Self.pictures, Self.labels] {
            let isPictures = file.count > 100
            func read(_ variant: [UInt8]) throws(ZooError) {
                try Self.read(
                    pictures: isPictures ? variant : Self.pictures,
                    labels: isPictures ? Self.labels : variant)
            }
            var outside = Mutations(of: try Gzip.compress(file), seed: 20_240_601)
            total.add(
                outside.run(MutationTests.count / 4) { (variant) throws(ZooError) in try read(variant) })
            var inside = Mutations(of: file, seed: 20_240_602, focus: 0..<(isPictures ? 16 : 8))
            total.add(
                inside.run(MutationTests.count / 4) { (variant) throws(ZooError) in
                    try read(try Gzip.compress(variant))
                })
        }
        #expect(total.results + total.errors == MutationTests.count)
        #expect(total.errors > MutationTests.count / 2, "\(total)")
    }

    /// Headers that announce more than there can be: 2⁶⁰ and more elements, no elements, no pictures.
    @Test(arguments: [
        [1 << 20, 1 << 20, 1 << 20], [0xFFFF_FFFF, 0xFFFF_FFFF, 0xFFFF_FFFF], [1 << 31, 1 << 31],
        [0xFFFF_FFFF], [0xFFFF_FFFF, 0, 0xFFFF_FFFF], [0, 0xFFFF_FFFF, 0xFFFF_FFFF], [0, 0, 0],
        [1 << 16, 1 << 16, 1 << 16, 1 << 16],
    ])
    func impossibleIDX(dimensions: [Int]) throws {
        let header = [0, 0, 8, UInt8(dimensions.count)] + dimensions.flatMap(Self.bigEndian)
        for body in [[], [UInt8](repeating: 1, count: 600)] {
            for file in [header + body, try Gzip.compress(header + body)] {
                #expect(throws: ZooError.self) { try Self.read(pictures: file, labels: Self.labels) }
                #expect(throws: ZooError.self) { try Self.read(pictures: Self.pictures, labels: file) }
            }
        }
    }

    /// A small file that expands to gigabytes is refused before they are there.
    @Test func expandingGzip() throws {
        // Ten members of 4 MiB of zeros each: more than the 16 MiB that are always let through, at a thousandfold.
        let member = try Gzip.compress([UInt8](repeating: 0, count: 4 << 20))
        let once = (0..<10).flatMap { _ in member }
        var limits = ReadLimits()
        limits.expansionRatio = 500
        let error = #expect(throws: ZooError.self) {
            try IDXFile(Self.source(once), limits: limits)
        }
        #expect(error?.code == .limitExceeded)
    }

    /// Arrays of several types, orders and versions of the format.
    private static let arrays: [[UInt8]] = [
        npy("{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", byteCount: 24),
        npy("{'descr': '>f8', 'fortran_order': True, 'shape': (3, 2), }", byteCount: 48, version: 2),
        npy("{'descr': '|b1', 'fortran_order': False, 'shape': (5,), }", byteCount: 5, version: 3),
        npy("{'shape': (), 'fortran_order': False, 'descr': '<i8'}", byteCount: 8),
        npy("{'descr': '<f2', 'fortran_order': False, 'shape': (2L, 1L, 4L, 4L), }", byteCount: 64),
        npy("{'descr': '=u1', 'fortran_order': False, 'shape': (0, 7), }", byteCount: 0),
    ]

    private static func npy(_ text: String, byteCount: Int, version: UInt8 = 1) -> [UInt8] {
        let padding = String(repeating: " ", count: 63 - (text.utf8.count + 11) % 64)
        let header = Array((text + padding + "\n").utf8)
        let length: [UInt8] = [UInt8(header.count & 0xFF), UInt8(header.count >> 8)]
        return NPYHeader.magic + [version, 0] + length + (version == 1 ? [] : [0, 0]) + header
            + (0..<byteCount).map { UInt8($0 % 256) }
    }

    @Test func npy() throws {
        var total = Mutations.Tally()
        for (index, file) in Self.arrays.enumerated() {
            _ = try NPYFile.read(Self.source(file))
            var mutations = Mutations(of: file, seed: UInt64(index), focus: 6..<76)
            let count =
                MutationTests.count / Self.arrays.count
                + (index < MutationTests.count % Self.arrays.count ? 1 : 0)
            total.add(
                mutations.run(count) { (variant) throws(ZooError) in
                    let tensor = try NPYFile.read(Self.source(variant)).converted(to: .f32)
                    _ = try tensor.bytes()
                })
        }
        #expect(total.results + total.errors == MutationTests.count)
        #expect(total.errors > MutationTests.count / 2, "\(total)")
    }

    @Test(arguments: [
        "(4611686018427387904, 4)", "(9223372036854775807, 9223372036854775807)", "(99999999999999999999,)",
        "(1152921504606846976,)", "(0, 9223372036854775807)", "(-1,)", "(1e3,)", "((((1,),),),)",
    ])
    func impossibleNPY(shape: String) {
        let file = Self.npy("{'descr': '<f4', 'fortran_order': False, 'shape': \(shape), }", byteCount: 24)
        #expect(throws: ZooError.self) { try NPYFile.read(Self.source(file)) }
    }

    /// A quarter each: the archive, stored or compressed, and the arrays in it, stored or compressed.
    @Test func npz() throws {
        let members = Self.arrays.enumerated().map { (name: "a\($0.offset).npy", bytes: $0.element) }
        var total = Mutations.Tally()
        for isDeflated in [false, true] {
            let whole = try Rebuilt.zip(members, deflated: isDeflated)
            try MutationTests.readTensors(whole)
            var outside = Mutations(of: whole, seed: 20_240_601)
            total.add(
                outside.run(MutationTests.count / 4) { (variant) throws(ZooError) in
                    try MutationTests.readTensors(variant)
                })
            var inside = Mutations(of: members[0].bytes, seed: 20_240_602, focus: 6..<76)
            total.add(
                inside.run(MutationTests.count / 4) { (variant) throws(ZooError) in
                    try MutationTests.readTensors(
                        Rebuilt.zip(
                            [("a.npy", variant), (members[1].name, members[1].bytes)], deflated: isDeflated))
                })
        }
        #expect(total.results + total.errors == MutationTests.count)
        #expect(total.errors > MutationTests.count / 2, "\(total)")
    }

    @Test func namesOfClasses() {
        let list = Array("T-shirt\nHose\nKäse\n日本語\r\n  Sandal \nShirt\nÆrø\n\n".utf8)
        var mutations = Mutations(of: list, seed: 20_240_601)
        expectBoth(
            mutations.run(MutationTests.count) { (variant) throws(ZooError) in
                let names = try ClassNames.names(in: Self.source(variant))
                // What is read is what was promised.
                guard !names.isEmpty, Set(names).count == names.count, !names.contains("") else {
                    Issue.record("\(names) came out of \(variant)")
                    return
                }
            }, count: MutationTests.count)
    }
}
