import Testing
import ZooConversion
import ZooTensors

/// Kernels filled with their own index, so that any exchange of axes shows.
@Suite struct LayoutTransformTests {
    private func counting(_ shape: TensorShape) throws -> Tensor {
        try Tensor((0..<shape.elementCount).map(Float.init), shape: shape)
    }

    @Test func convolution() throws {
        // [kH, kW, in, out] = [3, 5, 2, 7]: no two axes agree.
        let keras = try counting([3, 5, 2, 7])
        let ours = try LayoutTransform.kerasConvolution.toCanonical(keras)
        #expect(ours.shape == [7, 2, 3, 5])
        let values = try ours.floats()
        for (o, i, y, x) in [(0, 0, 0, 0), (6, 1, 2, 4), (3, 1, 0, 2)] {
            let theirs = ((y * 5 + x) * 2 + i) * 7 + o
            #expect(values[((o * 2 + i) * 3 + y) * 5 + x] == Float(theirs))
        }
    }

    @Test func denseAfterFlatten() throws {
        let transform = LayoutTransform.denseAfterFlatten(height: 2, width: 3, channels: 4)
        let ours = try transform.toCanonical(counting([24, 5]))
        #expect(ours.shape == [5, 24])
        let values = try ours.floats()
        for (o, c, y, x) in [(0, 0, 0, 0), (4, 3, 1, 2), (2, 1, 0, 2)] {
            let theirs = ((y * 3 + x) * 4 + c) * 5 + o
            #expect(values[o * 24 + (c * 2 + y) * 3 + x] == Float(theirs))
        }
    }

    @Test(arguments: [
        (LayoutTransform.identity, [4, 6]), (.kerasDense, [4, 6]), (.kerasConvolution, [3, 5, 2, 7]),
        (.denseAfterFlatten(height: 2, width: 3, channels: 4), [24, 5]),
    ])
    func everyTransformCanBeUndone(transform: LayoutTransform, shape: [Int]) throws {
        let source = try counting(TensorShape(shape))
        let there = try transform.toCanonical(source)
        #expect(transform.canonicalShape(of: source.shape) == there.shape)
        let back = try transform.fromCanonical(there)
        #expect(back.shape == source.shape)
        #expect(try back.floats() == source.floats())
    }

    @Test func shapesThatDontFitAreNotGuessed() {
        #expect(LayoutTransform.kerasConvolution.canonicalShape(of: [3, 3]) == nil)
        let flatten = LayoutTransform.denseAfterFlatten(height: 2, width: 2, channels: 2)
        #expect(flatten.canonicalShape(of: [9, 5]) == nil)
    }
}
