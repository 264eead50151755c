public import ZooTensors

/// Two parts of a data set, chosen at random by class, so that both have the classes in the same proportions.
public struct Split: Sendable, Hashable {
    /// Numbers of the samples to train on, ascending.
    public let train: [Int]
    /// Numbers of the samples held back, ascending.
    public let validation: [Int]

    /// Splits samples by their labels; a function of labels, fraction and seed alone.
    ///
    /// Together `fraction` of all samples are held back, rounded; each class gives its share rounded down,
    /// and those with the largest remainders one more. A class never gives its last sample.
    /// - Parameters:
    ///   - labels: the label of each sample.
    ///   - fraction: which part is held back, 0 to 1.
    ///   - seed: of the stream `split`, whose step is the label.
    /// - Throws: ``ZooError`` when the fraction isn't from 0 up to, but not including, 1.
    public init(labels: [Int32], validationFraction fraction: Double, seed: UInt64) throws(ZooError) {
        guard fraction >= 0, fraction < 1 else {
            throw ZooError(
                .invalidArgument, "the part to hold back isn't a fraction",
                expected: "0 up to, not including, 1",
                found: "\(fraction)")
        }
        var members: [Int32: [Int]] = [:]
        for (index, label) in labels.enumerated() { members[label, default: []].append(index) }
        var shares = members.sorted { $0.key < $1.key }.map { label, indices in
            let exact = fraction * Double(indices.count)
            return Share(
                label: label, indices: indices, held: Int(exact), remainder: exact - exact.rounded(.down))
        }
        let wanted = Int((fraction * Double(labels.count)).rounded())
        var missing = wanted - shares.reduce(0) { $0 + $1.held }
        let byRemainder = shares.indices.sorted { left, right in
            let (first, second) = (shares[left].remainder, shares[right].remainder)
            return first == second ? left < right : first > second
        }
        for position in byRemainder
        where missing > 0 && shares[position].held + 1 < shares[position].indices.count {
            shares[position].held += 1
            missing -= 1
        }
        var train: [Int] = []
        var validation: [Int] = []
        for share in shares {
            let stream = RandomStream(
                seed: seed, name: "split", step: UInt64(truncatingIfNeeded: share.label))
            let order = stream.permutation(count: share.indices.count).map { share.indices[$0] }
            validation += order.prefix(share.held)
            train += order.dropFirst(share.held)
        }
        self.train = train.sorted()
        self.validation = validation.sorted()
    }

    /// The two parts of the data set whose labels were split.
    public func subsets(of dataset: any Dataset) throws(ZooError) -> (train: Subset, validation: Subset) {
        (try Subset(dataset, indices: train), try Subset(dataset, indices: validation))
    }

    private struct Share {
        let label: Int32
        let indices: [Int]
        var held: Int
        let remainder: Double
    }
}
