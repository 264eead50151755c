public import ZooImages
public import ZooLayerGraphs
public import ZooTensors

/// A folder with one sub-folder of PNG and JPEG files for each class, as torchvision's `ImageFolder` reads
/// it: classes are numbered in the order of their names' bytes, pictures are found at any depth below.
///
/// When the folder has a file `labels.txt`, its lines say the order instead: either they name the sub-folders
/// (and then the label is the line's number, also for classes without a folder here), or they are titles for
/// all sub-folders in their usual order.
public struct PictureFolder: Dataset {
    /// The folder.
    public let name: String
    /// The classes' names.
    public let classes: [String]
    /// One label for each picture.
    public let labels: [Int32]
    /// Files below the classes' folders that aren't pictures by their names and were passed over.
    public let ignoredFileCount: Int
    private let paths: [String]
    private let limits: PictureLimits
    private let turnsUpright: Bool

    /// Lists a folder; no picture is opened yet.
    /// - Parameters:
    ///   - turnsUpright: whether pictures are turned as EXIF asks, which training frameworks don't do by
    ///     default.
    ///   - limits: how large a picture may be.
    /// - Throws: ``ZooError`` when there are no classes, a class has no picture, or `labels.txt` doesn't fit.
    public init(
        path: String, turnsUpright: Bool = false, limits: PictureLimits = PictureLimits()
    ) throws(ZooError) {
        let folder = path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path
        let subfolders = try FolderListing(path: folder).folders
        guard !subfolders.isEmpty else {
            throw ZooError(
                .invalidArgument, "the folder has no sub-folders, so there are no classes", file: folder,
                remedy: "Put each class's pictures into a sub-folder named after the class.")
        }
        let (classes, numbers) = try PictureFolder.classes(of: folder, subfolders: subfolders)
        var labels: [Int32] = []
        var paths: [String] = []
        var ignored = 0
        for (subfolder, number) in zip(subfolders, numbers) {
            let found = try PictureFolder.pictures(below: "\(folder)/\(subfolder)")
            guard !found.paths.isEmpty else {
                throw ZooError(
                    .invalidArgument, "the class has no pictures", file: "\(folder)/\(subfolder)",
                    expected: "files ending in .png, .jpg or .jpeg",
                    found: found.ignored == 0 ? "none" : "\(found.ignored) other files",
                    remedy: "Add pictures, or remove the folder.")
            }
            paths += found.paths
            labels += [Int32](repeating: number, count: found.paths.count)
            ignored += found.ignored
        }
        self.name = folder
        self.classes = classes
        self.labels = labels
        self.ignoredFileCount = ignored
        self.paths = paths
        self.limits = limits
        self.turnsUpright = turnsUpright
    }

    /// Not known: pictures in files may differ.
    public var pictureSize: Extent? { nil }

    /// Reads and decodes one picture, grey or colour as the file has it.
    public func picture(at index: Int) throws(ZooError) -> Picture {
        guard paths.indices.contains(index) else { throw noSample(index) }
        let file = try PictureFile(path: paths[index], limits: limits)
        return turnsUpright ? file.picture.turned(by: file.orientation) : file.picture
    }

    /// The picture's path.
    public func sampleName(at index: Int) -> String {
        paths.indices.contains(index) ? paths[index] : "\(name) #\(index)"
    }

    /// The classes' names, and the label of each sub-folder.
    private static func classes(
        of folder: String, subfolders: [String]
    ) throws(ZooError) -> (names: [String], numbers: [Int32]) {
        let usual = subfolders.indices.map { Int32(clamping: $0) }
        guard let lines = try ClassNames.read(folder: folder) else { return (subfolders, usual) }
        var positions: [String: Int32] = [:]
        for (position, line) in lines.enumerated() { positions[line] = Int32(clamping: position) }
        let numbers = subfolders.compactMap { positions[$0] }
        if numbers.count == subfolders.count { return (lines, numbers) }
        if numbers.isEmpty, lines.count == subfolders.count { return (lines, usual) }
        let strangers = subfolders.filter { positions[$0] == nil }
        throw ZooError(
            .mismatch, "labels.txt doesn't fit the sub-folders", file: "\(folder)/\(ClassNames.fileName)",
            expected: "a line for each of the \(subfolders.count) sub-folders",
            found: "no line for \(strangers.prefix(4).joined(separator: ", "))",
            remedy: "Name every sub-folder on a line of its own, or delete labels.txt.")
    }

    /// The pictures in a folder and the folders inside it, in the order of torchvision's `make_dataset`: by
    /// folder, then by name.
    private static func pictures(below folder: String) throws(ZooError) -> (paths: [String], ignored: Int) {
        var found: [(folder: String, files: [String])] = []
        var waiting: [(folder: String, depth: Int)] = [(folder, 0)]
        while let (current, depth) = waiting.popLast() {
            guard depth <= 32 else {
                throw ZooError(
                    .limitExceeded, "folders are nested too deeply, or a link points back up", file: current)
            }
            let listing = try FolderListing(path: current)
            found.append((current, listing.files))
            waiting += listing.folders.map { ("\(current)/\($0)", depth + 1) }
            guard found.count + waiting.count <= 1_000_000 else {
                throw ZooError(.limitExceeded, "there are too many folders", file: folder)
            }
        }
        found.sort { FolderListing.precedes($0.folder, $1.folder) }
        var paths: [String] = []
        var ignored = 0
        for (current, files) in found {
            for file in files {
                if isPicture(file) { paths.append("\(current)/\(file)") } else { ignored += 1 }
            }
        }
        return (paths, ignored)
    }

    private static func isPicture(_ name: String) -> Bool {
        let lower = name.lowercased()
        return [".png", ".jpg", ".jpeg"].contains { lower.hasSuffix($0) }
    }
}
