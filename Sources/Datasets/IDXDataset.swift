public import ZooImages
public import ZooLayerGraphs
public import ZooTensors

/// A data set of the MNIST kind: grey pictures of one size and labels, in a pair of IDX files. All pixels are
/// held in memory, one byte each.
public struct IDXDataset: Dataset {
    /// Which pair of files.
    public enum Portion: String, Sendable, Hashable, CaseIterable {
        /// `train-…`.
        case train
        /// `t10k-…` or `test-…`.
        case test

        fileprivate var prefixes: [String] { self == .train ? ["train"] : ["t10k", "test"] }
    }

    /// The pictures' path.
    public let name: String
    /// The classes' names: given, from `labels.txt`, or the numbers 0, 1, ….
    public let classes: [String]
    /// Whether they were given, or come from `labels.txt`.
    public let hasClassNames: Bool
    /// One label for each picture.
    public let labels: [Int32]
    private let pictures: IDXFile
    private let height: Int
    private let width: Int

    /// Finds and reads a pair of files, such as `train-images-idx3-ubyte.gz` and
    /// `train-labels-idx1-ubyte.gz`, in a folder or in a folder `raw` inside it. Debian's package
    /// `dataset-fashion-mnist` has such a folder at `/usr/share/datasets/fashion-mnist`.
    /// - Parameters:
    ///   - split: which pair.
    ///   - classes: names of the classes; else the lines of `labels.txt` in the folder, else numbers.
    /// - Throws: ``ZooError`` when a file is missing or damaged, or the two don't fit each other.
    public init(
        folder: String, split: Portion, classes: [String]? = nil, limits: ReadLimits = ReadLimits()
    ) throws(ZooError) {
        let pictures = try IDXDataset.find("images", "idx3", split, in: folder)
        let labels = try IDXDataset.find("labels", "idx1", split, in: folder)
        try self.init(
            pictures: IDXFile(path: pictures, limits: limits), labels: IDXFile(path: labels, limits: limits),
            classes: classes == nil ? try ClassNames.read(folder: folder) : classes)
    }

    /// Joins pictures `[N, H, W]` and labels `[N]`.
    public init(pictures: IDXFile, labels: IDXFile, classes: [String]? = nil) throws(ZooError) {
        guard pictures.dimensions.count == 3, pictures.itemByteCount > 0 else {
            throw ZooError(
                .mismatch, "the IDX file doesn't hold pictures", file: pictures.path,
                expected: "three dimensions [N, H, W]", found: "\(TensorShape(pictures.dimensions))")
        }
        guard labels.dimensions.count == 1 else {
            throw ZooError(
                .mismatch, "the IDX file doesn't hold labels", file: labels.path,
                expected: "one dimension [N]",
                found: "\(TensorShape(labels.dimensions))")
        }
        guard labels.count == pictures.count else {
            throw ZooError(
                .mismatch, "there is another number of labels than of pictures", file: labels.path,
                expected: "\(pictures.count)", found: "\(labels.count)",
                remedy: "The two files belong to different data sets or parts; get them again.")
        }
        let highest = Int(labels.elements.max() ?? 0)
        let names = classes ?? (0...highest).map(String.init)
        guard highest < names.count else {
            throw ZooError(
                .mismatch, "a label is beyond the classes", file: labels.path,
                expected: "below \(names.count)", found: "\(highest)",
                remedy: "Name every class, one per line of labels.txt.")
        }
        self.name = pictures.path ?? "IDX pictures"
        self.classes = names
        self.hasClassNames = classes != nil
        self.labels = labels.elements.map { Int32($0) }
        self.pictures = pictures
        self.height = pictures.dimensions[1]
        self.width = pictures.dimensions[2]
    }

    /// Height and width of every picture.
    public var pictureSize: Extent? { Extent(height, width) }

    /// One picture, `[H, W, 1]`.
    public func picture(at index: Int) throws(ZooError) -> Picture {
        try Picture(width: width, height: height, channels: 1, pixels: Array(try pictures.item(index)))
    }

    /// `…/train-images-idx3-ubyte.gz #17`.
    public func sampleName(at index: Int) -> String { "\(name) #\(index)" }

    private static func find(
        _ kind: String, _ suffix: String, _ split: Portion, in folder: String
    ) throws(ZooError) -> String {
        let present = try FolderListing(path: folder)
        let places = [folder] + (present.folders.contains("raw") ? ["\(folder)/raw"] : [])
        for place in places {
            let files = Set(place == folder ? present.files : try FolderListing(path: place).files)
            for prefix in split.prefixes {
                for separator in ["-", "."] {
                    for ending in ["", ".gz"] {
                        let name = "\(prefix)-\(kind)\(separator)\(suffix)-ubyte\(ending)"
                        if files.contains(name) { return "\(place)/\(name)" }
                    }
                }
            }
        }
        let wanted = "\(split.prefixes[0])-\(kind)-\(suffix)-ubyte"
        throw ZooError(
            .fileNotFound, "the folder has no \(split.rawValue) \(kind) of the MNIST kind", file: folder,
            expected: "\(wanted) or \(wanted).gz", found: IDXDataset.summary(present.files),
            remedy: "On Debian and Ubuntu, apt install dataset-fashion-mnist makes "
                + "/usr/share/datasets/fashion-mnist.")
    }

    private static func summary(_ names: [String]) -> String {
        names.isEmpty ? "no files" : names.prefix(4).joined(separator: ", ") + (names.count > 4 ? ", …" : "")
    }
}
