extension Tensor {
    /// The same elements with axes in another order: axis `i` of the result is axis `axes[i]` of this tensor.
    /// No bytes move.
    public func permuted(_ axes: [Int]) throws(ZooError) -> Tensor {
        guard axes.sorted() == Array(0..<shape.rank) else {
            throw ZooError(.invalidArgument, "\(axes) is not a permutation of \(shape.rank) axes")
        }
        return Tensor(
            uncheckedStorage: storage, elementType: elementType,
            shape: TensorShape(axes.map { shape.dimensions[$0] }), strides: axes.map { strides[$0] },
            offset: offset)
    }

    /// The same elements in row-major order under another shape; copies only if this is a strided view.
    public func reshaped(_ newShape: TensorShape) throws(ZooError) -> Tensor {
        guard newShape.elementCount == elementCount else {
            throw ZooError(
                .mismatch, "the shape \(shape) can't be read as \(newShape)",
                expected: "\(elementCount) elements",
                found: "\(newShape.elementCount)")
        }
        let source = try contiguous()
        return Tensor(
            uncheckedStorage: source.storage, elementType: elementType, shape: newShape,
            strides: newShape.contiguousStrides, offset: source.offset)
    }

    /// Elements `range` along one axis. No bytes move.
    public func sliced(axis: Int, _ range: Range<Int>) throws(ZooError) -> Tensor {
        guard shape.dimensions.indices.contains(axis), range.lowerBound >= 0,
            range.upperBound <= shape.dimensions[axis]
        else {
            throw ZooError(.invalidArgument, "\(range) along axis \(axis) is outside the shape \(shape)")
        }
        var dimensions = shape.dimensions
        dimensions[axis] = range.count
        return Tensor(
            uncheckedStorage: storage, elementType: elementType, shape: TensorShape(dimensions),
            strides: strides,
            offset: range.isEmpty ? offset : offset + range.lowerBound * strides[axis])
    }

    /// This tensor if it is contiguous, else a contiguous copy.
    public func contiguous() throws(ZooError) -> Tensor {
        if isContiguous { return self }
        let width = elementType.byteCount
        return try unsafe Tensor(shape: shape, elementType: elementType) { (target) throws(ZooError) in
            try unsafe storage.withUnsafeBytes { (source) throws(ZooError) in
                switch width {
                case 16: unsafe gather(SIMD2<UInt64>.self, from: source, into: target)
                case 8: unsafe gather(UInt64.self, from: source, into: target)
                case 4: unsafe gather(UInt32.self, from: source, into: target)
                case 2: unsafe gather(UInt16.self, from: source, into: target)
                default: unsafe gather(UInt8.self, from: source, into: target)
                }
            }
        }
    }

    /// Copies elements by stride; the view was checked against its storage when it was made.
    private func gather<Word: BitwiseCopyable>(
        _ word: Word.Type, from source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer
    ) {
        guard elementCount > 0, shape.rank > 0 else { return }
        let input = unsafe source.baseAddress?.assumingMemoryBound(to: Word.self)
        let output = unsafe target.baseAddress?.assumingMemoryBound(to: Word.self)
        guard let input = unsafe input, var output = unsafe output else { return }
        let last = shape.rank - 1
        let innerCount = shape.dimensions[last]
        let innerStride = strides[last]
        var index = [Int](repeating: 0, count: last)
        var position = offset
        while true {
            for step in 0..<innerCount { unsafe output[step] = input[position + step * innerStride] }
            unsafe output += innerCount
            var axis = last - 1
            while axis >= 0 {
                index[axis] += 1
                position += strides[axis]
                if index[axis] < shape.dimensions[axis] { break }
                position -= index[axis] * strides[axis]
                index[axis] = 0
                axis -= 1
            }
            if axis < 0 { return }
        }
    }
}
