import ZooContainers
import ZooDatasets
import ZooImages
import ZooLayerGraphs
import ZooTensors
import ZooTestSupport

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Data sets that tests make for themselves.
enum TestData {
    /// An IDX file of bytes.
    static func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
        [0, 0, 8, UInt8(dimensions.count)]
            + dimensions.flatMap { size in (0..<4).map { UInt8(truncatingIfNeeded: size >> (24 - 8 * $0)) } }
            + elements
    }

    /// Pictures of 4 × 3 pixels whose samples all have the picture's number, with labels 0, 1, 2, 0, ….
    static func numbered(_ count: Int) throws -> IDXDataset {
        let pixels = (0..<count).flatMap { [UInt8](repeating: UInt8($0 % 256), count: 12) }
        return try IDXDataset(
            pictures: IDXFile(ByteSource(bytes: idx([count, 3, 4], pixels))),
            labels: IDXFile(ByteSource(bytes: idx([count], (0..<count).map { UInt8($0 % 3) }))))
    }

    /// A folder below another.
    static func makeFolder(_ path: String) { _ = unsafe mkdir(path, 0o777) }

    /// The calling thread's priority on Linux, −20 to 19.
    static func niceness() -> Int { Int(getpriority(0, 0)) }

    /// A grey PNG of one value.
    static func png(_ value: UInt8, width: Int = 2, height: Int = 2) throws -> [UInt8] {
        let pixels = [UInt8](repeating: value, count: width * height)
        return try Picture(width: width, height: height, channels: 1, pixels: pixels).encodedPNG()
    }

    /// Everything an epoch gives.
    static func all(_ batches: EpochBatches) throws -> [Batch] {
        var result: [Batch] = []
        while let batch = try batches.nextBatch() { result.append(batch) }
        return result
    }
}
