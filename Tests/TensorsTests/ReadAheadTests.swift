import Foundation
import Synchronization
import Testing
import ZooTensors

/// Bytes that another thread reads a little ahead are those of a plain read, whatever happens on either side.
@Suite struct ReadAheadTests {
    private static let content = (0..<(11 << 20) + 77).map {
        UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 7)
    }

    private func withFile(_ body: (String) throws -> Void) throws {
        let path = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString).path
        try Data(ReadAheadTests.content).write(to: URL(filePath: path))
        defer { try? FileManager.default.removeItem(atPath: path) }
        try body(path)
    }

    @Test(arguments: [
        (0, 11 << 20, 1, 1 << 20), (5, 9_000_001, 4, 1 << 20), (64, 10_000_000, 4, 4_096),
        (3, 10_000_000, 8, 3),
        (1, 7_000_000, 12, 500_003), (17, 100, 4, 10), (9, 0, 4, 0), (0, (11 << 20) + 77, 16, 1 << 20),
    ])
    func isThePlainBytes(offset: Int, count: Int, unit: Int, lead: Int) throws {
        try withFile { path in
            let source = try ByteSource(path: path)
            let seen = Mutex<[UInt8]>([])
            var bytes: [UInt8] = []
            var sizes: [Int] = []
            try unsafe source.forEachPieceReadAhead(
                at: offset, count: count, unit: unit, lead: lead,
                inspect: { piece in seen.withLock { unsafe $0.append(contentsOf: piece) } }
            ) { (piece) throws(ZooError) in
                sizes.append(piece.count)
                unsafe bytes.append(contentsOf: piece)
            }
            #expect(bytes == Array(ReadAheadTests.content[offset..<(offset + count)]))
            #expect(seen.withLock { $0 } == bytes)
            #expect(sizes.dropLast().allSatisfy { $0.isMultiple(of: unit) && $0 <= 1 << 20 })
            if count > 4 << 20, lead >= unit { #expect(sizes[0] == lead / unit * unit) }
        }
    }

    @Test func whoeverUsesThePiecesMayStop() throws {
        try withFile { path in
            let source = try ByteSource(path: path)
            for last in [0, 1, 6, 10] {
                var number = 0
                let error = #expect(throws: ZooError.self) {
                    try unsafe source.forEachPieceReadAhead(at: 0, count: 11 << 20, inspect: { _ in }) {
                        (_) throws(ZooError) in
                        if number == last { throw ZooError(.invalidArgument, "enough") }
                        number += 1
                    }
                }
                #expect(error?.problem == "enough")
                #expect(number == last)
            }
        }
    }

    @Test func fileThatShrinksIsAnError() throws {
        try withFile { path in
            let source = try ByteSource(path: path)
            var number = 0
            let error = #expect(throws: ZooError.self) {
                try unsafe source.forEachPieceReadAhead(at: 0, count: 11 << 20, inspect: { _ in }) {
                    (_) throws(ZooError) in
                    if number == 0 { unsafe truncate(path, 9 << 20) }
                    number += 1
                }
            }
            #expect(error?.code == .truncated)
            #expect(number <= 9)
        }
        #expect(throws: ZooError.self) {
            try unsafe ByteSource(bytes: [1, 2, 3]).forEachPieceReadAhead(
                at: 1, count: 9 << 20, inspect: { _ in }
            ) {
                _ throws(ZooError) in
            }
        }
    }
}
