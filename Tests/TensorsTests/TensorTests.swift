import Testing
import ZooTensors

@Suite struct TensorTests {
    private let counting = Array(0..<24).map(Float.init)

    @Test func transposeMovesNoBytesAndReadsInItsOwnOrder() throws {
        let tensor = try Tensor(counting, shape: [2, 3, 4])
        let turned = try tensor.permuted([2, 0, 1])
        #expect(turned.shape == [4, 2, 3])
        #expect(turned.storage === tensor.storage)
        #expect(!turned.isContiguous)
        #expect(try turned.floats().prefix(6) == [0, 4, 8, 12, 16, 20])
        #expect(try turned.permuted([1, 2, 0]).floats() == counting)
    }

    @Test func slicesKeepTheirPlace() throws {
        let tensor = try Tensor(counting, shape: [4, 6])
        let middle = try tensor.sliced(axis: 0, 1..<3).sliced(axis: 1, 2..<4)
        #expect(try middle.floats() == [8, 9, 14, 15])
        #expect(try tensor.sliced(axis: 1, 6..<6).floats().isEmpty)
        #expect(throws: ZooError.self) { try tensor.sliced(axis: 0, 3..<5) }
    }

    /// The widest elements there are, sixteen bytes each.
    @Test func widestElementsAreTransposed() throws {
        let pairs = try Tensor(counting.map(Double.init), shape: [24])
        let complex = try Tensor(storage: pairs.storage, elementType: .c128, shape: [3, 4]).permuted([1, 0])
        let parts = try Tensor(
            storage: TensorStorage(bytes: complex.bytes()), elementType: .f64, shape: [24])
        #expect(try parts.doubles().prefix(6) == [0, 1, 8, 9, 16, 17])
    }

    @Test func negativeAndZeroStrides() throws {
        let storage = try Tensor(counting, shape: [24]).storage
        let reversed = try Tensor(storage: storage, elementType: .f32, shape: [3], strides: [-2], offset: 23)
        #expect(try reversed.floats() == [23, 21, 19])
        let expanded = try Tensor(
            storage: storage, elementType: .f32, shape: [2, 2], strides: [0, 1], offset: 5)
        #expect(try expanded.floats() == [5, 6, 5, 6])
    }

    @Test(arguments: [
        ([3, 9], [9, 1], 0), ([2], [-1], 0), ([2], [1], 24), ([1], [1], -1), ([2, 2], [Int.max, 1], 0),
    ])
    func viewsOutsideTheStorageAreRefused(shape: [Int], strides: [Int], offset: Int) throws {
        let storage = try Tensor(counting, shape: [24]).storage
        #expect(throws: ZooError.self) {
            try Tensor(
                storage: storage, elementType: .f32, shape: TensorShape(checking: shape), strides: strides,
                offset: offset)
        }
    }

    @Test func scalarsAndEmptyTensors() throws {
        #expect(try Tensor([Float(3)], shape: []).floats() == [3])
        #expect(try Tensor([Float](), shape: [0, 3]).floats().isEmpty)
        #expect(try Tensor([Int64(7)], shape: []).permuted([]).scalars(Int64.self) == [7])
    }

    @Test func shapesFromFilesAreChecked() {
        #expect(throws: ZooError.self) { try TensorShape(checking: [-1]) }
        #expect(throws: ZooError.self) { try TensorShape(checking: [1 << 40, 1 << 40]) }
        #expect(throws: Never.self) { try TensorShape(checking: [1 << 40, 0, 1 << 20]) }
    }

    @Test func conversions() throws {
        let halves = try Tensor([Float(1.5), -2, 65_504], shape: [3]).converted(to: .f16)
        #expect(halves.elementType == .f16)
        #expect(try halves.floats() == [1.5, -2, 65_504])
        #expect(try Tensor([Int64(1) << 53 + 1], shape: [1]).doubles() == [Double(Int64(1) << 53 + 1)])
        #expect(throws: ZooError.self) { try Tensor([Int64(300)], shape: [1]).converted(to: .u8) }
        #expect(throws: ZooError.self) { try Tensor([Float(1.5)], shape: [1]).converted(to: .i32) }
        #expect(try Tensor([Int64(0), 5], shape: [2]).converted(to: .bool).bytes() == [0, 1])
    }
}
