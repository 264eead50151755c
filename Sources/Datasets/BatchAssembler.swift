internal import ZooImages
internal import ZooLayerGraphs
internal import ZooTensors

/// Makes one batch: reads, prepares, changes at random, and writes the numbers. A function of its arguments
/// alone, which makes the loader's result independent of its threads.
struct BatchAssembler: Sendable {
    let dataset: any Dataset
    let executor: PreprocessingExecutor
    let augmentations: [any Augmentation]
    let seed: UInt64
    /// Height and width of every picture after preprocessing.
    let size: Extent

    func batch(
        of indices: [Int], epoch: Int, number: Int, firstSampleNumber: Int
    ) throws(ZooError) -> Batch {
        let all = dataset.labels
        var labels: [Int32] = []
        labels.reserveCapacity(indices.count)
        for index in indices {
            guard all.indices.contains(index) else { throw dataset.noSample(index) }
            labels.append(all[index])
        }
        let shape = try TensorShape(checking: [indices.count, executor.channels, size.height, size.width])
        let inputs = try unsafe Tensor(shape: shape, elementType: .f32) { (memory) throws(ZooError) in
            let floats = unsafe memory.bindMemory(to: Float.self)
            let stride = executor.channels * size.height * size.width
            for (place, index) in indices.enumerated() {
                let picture = try picture(at: index, epoch: epoch)
                try unsafe executor.write(
                    prepared: picture,
                    into: UnsafeMutableBufferPointer(
                        rebasing: floats[(place * stride)..<((place + 1) * stride)]))
            }
        }
        return Batch(
            inputs: inputs, labels: labels, sampleIndices: indices, epoch: epoch, number: number,
            firstSampleNumber: firstSampleNumber)
    }

    private func picture(at index: Int, epoch: Int) throws(ZooError) -> Picture {
        do throws(ZooError) {
            var picture = try executor.prepared(try dataset.picture(at: index))
            for (place, augmentation) in augmentations.enumerated() {
                picture = try augmentation.apply(
                    to: picture, random: SampleRandom(seed: seed, epoch: epoch, sample: index, place: place))
            }
            guard picture.height == size.height, picture.width == size.width else {
                throw ZooError(
                    .mismatch, "the pictures aren't all of one size",
                    expected: "\(size.width) × \(size.height)",
                    found: "\(picture.width) × \(picture.height)",
                    remedy: "Give the preprocessing a size to resize to.")
            }
            return picture
        } catch {
            throw error.adding(file: dataset.sampleName(at: index))
        }
    }
}
