public import ZooLayerGraphs
public import ZooTensors

/// Carries out a ``Preprocessing``: pictures become the numbers that a network takes, `[C, H, W]` in 32-bit
/// floats.
///
/// A sample's number depends on its channel and its value 0…255 alone, so each is computed once, in the steps
/// and the precision of torchvision's `ToTensor` and `Normalize` (÷ 255, − mean, ÷ standard deviation, each
/// rounded to `Float`), and then looked up.
public struct PreprocessingExecutor: Sendable {
    /// What is carried out.
    public let preprocessing: Preprocessing
    /// 256 numbers for each output channel.
    private let tables: [[Float]]

    /// Prepares to carry out a description.
    /// - Throws: ``ZooError`` when it contradicts itself: numbers of means that don't fit the channels, a
    ///   standard deviation of zero, a size or a padding that no picture may have.
    public init(_ preprocessing: Preprocessing) throws(ZooError) {
        let channels = preprocessing.channels == .grey ? 1 : 3
        func perChannel(_ values: [Double], _ name: String, neutral: Double) throws(ZooError) -> [Float] {
            guard values.isEmpty || values.count == 1 || values.count == channels else {
                throw ZooError(
                    .mismatch, "the preprocessing has another number of \(name) than of channels",
                    expected: "\(channels)", found: "\(values.count)")
            }
            let floats = values.isEmpty ? [Float(neutral)] : values.map { Float($0) }
            guard floats.allSatisfy(\.isFinite) else {
                throw ZooError(.invalidArgument, "the preprocessing's \(name) aren't all finite")
            }
            return floats.count == channels ? floats : [Float](repeating: floats[0], count: channels)
        }
        let means = try perChannel(preprocessing.mean, "means", neutral: 0)
        let deviations = try perChannel(preprocessing.standardDeviation, "standard deviations", neutral: 1)
        guard deviations.allSatisfy({ $0 != 0 }), preprocessing.scale.isFinite else {
            throw ZooError(
                .invalidArgument,
                "the preprocessing divides by a standard deviation of 0, or its scale isn't finite")
        }
        if let size = preprocessing.resize { try Picture.checkSize(size, for: "resize") }
        if let side = preprocessing.shorterSide { try Picture.checkSize(Extent(side), for: "resize") }
        if let size = preprocessing.crop { try Picture.checkSize(size, for: "crop") }
        guard preprocessing.resize == nil || preprocessing.shorterSide == nil else {
            throw ZooError(.invalidArgument, "the preprocessing resizes to a size and to a shorter side")
        }
        let sides = preprocessing.padding
        guard [sides.top, sides.left, sides.bottom, sides.right].allSatisfy({ $0 >= 0 }) else {
            throw ZooError(.invalidArgument, "the preprocessing's padding is negative")
        }
        self.preprocessing = preprocessing
        self.tables = zip(means, deviations).map { mean, deviation in
            (0..<256).map { value in
                let scaled =
                    preprocessing.scale == 1 / 255.0
                    ? Float(value) / 255 : Float(value) * Float(preprocessing.scale)
                return (scaled - mean) / deviation
            }
        }
    }

    /// Channels of the result.
    public var channels: Int { tables.count }

    /// Height and width of the result for a picture of a given size.
    public func outputSize(of picture: Extent) throws(ZooError) -> Extent {
        var size = preprocessing.resize ?? picture
        if let side = preprocessing.shorterSide { size = try Picture.size(of: picture, shorterSide: side) }
        size = preprocessing.crop ?? size
        let padding = preprocessing.padding
        return Extent(
            try Checked.sum(size.height, try Checked.sum(padding.top, padding.bottom)),
            try Checked.sum(size.width, try Checked.sum(padding.left, padding.right)))
    }

    /// The steps that give pixels: grey or colour, resizing, cropping, padding. The order of the colours is still red,
    /// green, blue.
    public func prepared(_ picture: Picture) throws(ZooError) -> Picture {
        var result = preprocessing.channels == .grey ? picture.grey() : picture.rgb()
        if let size = preprocessing.resize {
            result = try result.resized(to: size, interpolation: preprocessing.interpolation)
        }
        if let side = preprocessing.shorterSide {
            result = try result.resized(shorterSide: side, interpolation: preprocessing.interpolation)
        }
        if let size = preprocessing.crop { result = try result.centreCropped(to: size) }
        return try result.padded(preprocessing.padding)
    }

    /// All steps: `[C, H, W]` in row-major order.
    public func floats(_ picture: Picture) throws(ZooError) -> [Float] {
        let ready = try prepared(picture)
        var result = [Float](repeating: 0, count: ready.pixels.count)
        try write(prepared: ready, into: &result, at: 0)
        return result
    }

    /// All steps for one picture of a batch, written to a caller's buffer.
    /// - Parameter start: index of the first number written; `C × H × W` follow.
    /// - Throws: ``ZooError`` when they don't fit the buffer.
    public func write(_ picture: Picture, into buffer: inout [Float], at start: Int) throws(ZooError) {
        try write(prepared: try prepared(picture), into: &buffer, at: start)
    }

    /// All steps as a tensor `[1, C, H, W]`.
    public func tensor(_ picture: Picture) throws(ZooError) -> Tensor {
        let ready = try prepared(picture)
        return try unsafe Tensor(shape: [1, channels, ready.height, ready.width], elementType: .f32) {
            (memory) throws(ZooError) in
            try unsafe write(prepared: ready, into: memory.bindMemory(to: Float.self))
        }
    }

    private func write(prepared: Picture, into buffer: inout [Float], at start: Int) throws(ZooError) {
        guard start >= 0, try Checked.sum(start, prepared.pixels.count) <= buffer.count else {
            throw ZooError(.invalidArgument, "the picture's numbers don't fit the buffer")
        }
        let end = start + prepared.pixels.count
        var failure: ZooError?
        unsafe buffer.withUnsafeMutableBufferPointer { all in
            do throws(ZooError) {
                try unsafe write(
                    prepared: prepared, into: UnsafeMutableBufferPointer(rebasing: all[start..<end]))
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    /// The last steps, for a picture that ``prepared(_:)`` gave.
    /// - Parameter target: exactly the picture's `C × H × W` numbers.
    package func write(
        prepared picture: Picture, into target: UnsafeMutableBufferPointer<Float>
    ) throws(ZooError) {
        guard picture.channels == channels, target.count == picture.pixels.count else {
            throw ZooError(
                .mismatch, "the picture doesn't fit the buffer", expected: "\(target.count) numbers",
                found: "\(picture.width) × \(picture.height) × \(picture.channels)")
        }
        let plane = picture.width * picture.height
        let isReversed = preprocessing.channels == .bgr
        unsafe picture.pixels.withUnsafeBufferPointer { pixels in
            for channel in 0..<channels {
                unsafe PixelKernels.lookUp(
                    pixels, channel: isReversed ? channels - 1 - channel : channel, of: channels,
                    table: tables[channel],
                    into: UnsafeMutableBufferPointer(
                        rebasing: target[(channel * plane)..<((channel + 1) * plane)]))
            }
        }
    }
}
