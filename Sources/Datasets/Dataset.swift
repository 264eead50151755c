public import ZooImages
public import ZooLayerGraphs
public import ZooTensors

/// Labelled pictures, each reached by its number. Reading is safe from several threads at once.
public protocol Dataset: Sendable {
    /// What to call it in messages: usually the path that it was read from.
    var name: String { get }
    /// The classes' names; a label is an index into them.
    var classes: [String] { get }
    /// Whether something names the classes; else they are the numbers up to the highest label, and there may be more.
    var hasClassNames: Bool { get }
    /// The label of every sample, known without reading a picture.
    var labels: [Int32] { get }
    /// The pictures' height and width when all have the same, known without reading them.
    var pictureSize: Extent? { get }
    /// Reads one picture.
    /// - Throws: ``ZooError`` that names the file, also for an index that isn't below ``count``.
    func picture(at index: Int) throws(ZooError) -> Picture
    /// What to call one sample in messages, such as its path.
    func sampleName(at index: Int) -> String
}

/// A picture and what it shows.
public struct Sample: Sendable, Hashable {
    /// The picture, as stored.
    public let picture: Picture
    /// Index into the data set's classes.
    public let label: Int32
}

extension Dataset {
    /// True for data sets that don't say otherwise.
    public var hasClassNames: Bool { true }

    /// Number of samples.
    public var count: Int { labels.count }

    /// Reads one sample.
    public func sample(at index: Int) throws(ZooError) -> Sample {
        let picture = try picture(at: index)
        guard labels.indices.contains(index) else { throw noSample(index) }
        return Sample(picture: picture, label: labels[index])
    }

    /// How many samples each class has.
    public var classCounts: [Int] {
        var counts = [Int](repeating: 0, count: classes.count)
        for label in labels {
            guard let index = Int(exactly: label), counts.indices.contains(index) else { continue }
            counts[index] += 1
        }
        return counts
    }

    /// The error for a number that no sample has.
    package func noSample(_ index: Int) -> ZooError {
        ZooError(
            .invalidArgument, "the data set has no sample of this number", file: name,
            expected: "below \(count)", found: "\(index)")
    }
}

/// Some samples of a data set, in an order of their own: one side of a split, a small part for a quick trial.
public struct Subset: Dataset {
    private let whole: any Dataset
    /// The samples' numbers in the whole data set.
    public let indices: [Int]
    /// Their labels.
    public let labels: [Int32]

    /// - Throws: ``ZooError`` when the data set has no sample of one of the numbers.
    public init(_ whole: any Dataset, indices: [Int]) throws(ZooError) {
        let all = whole.labels
        if let stranger = indices.first(where: { !all.indices.contains($0) }) {
            throw whole.noSample(stranger)
        }
        self.whole = whole
        self.indices = indices
        self.labels = indices.map { all[$0] }
    }

    /// The whole data set's name.
    public var name: String { whole.name }
    /// The whole data set's classes, also those without a sample here.
    public var classes: [String] { whole.classes }
    /// Whether something names them.
    public var hasClassNames: Bool { whole.hasClassNames }
    /// The whole data set's picture size.
    public var pictureSize: Extent? { whole.pictureSize }

    /// Reads the picture of the `index`-th sample of this part.
    public func picture(at index: Int) throws(ZooError) -> Picture {
        guard indices.indices.contains(index) else { throw noSample(index) }
        return try whole.picture(at: indices[index])
    }

    /// The sample's name in the whole data set.
    public func sampleName(at index: Int) -> String {
        indices.indices.contains(index) ? whole.sampleName(at: indices[index]) : "\(name) #\(index)"
    }
}
