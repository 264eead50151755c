internal import ZooContainers
public import ZooTensors

/// `labels.txt`: the classes' names in the order of their labels, one per line.
public enum ClassNames {
    static let fileName = "labels.txt"

    /// The names in a folder's `labels.txt`, `nil` when there is none.
    static func read(folder: String) throws(ZooError) -> [String]? {
        guard try FolderListing(path: folder).files.contains(fileName) else { return nil }
        return try read(path: "\(folder)/\(fileName)")
    }

    /// The names in a file; blanks around them and empty lines at the end don't count.
    /// - Throws: ``ZooError`` when it isn't UTF-8 text, names nothing, or names a class twice.
    public static func read(path: String) throws(ZooError) -> [String] {
        try names(in: ByteSource(path: path))
    }

    /// The names in a source.
    package static func names(in source: ByteSource) throws(ZooError) -> [String] {
        let path = source.path
        guard source.count <= 16 << 20 else {
            throw ZooError(
                .limitExceeded, "the list of classes is too long", file: path,
                expected: "at most 16 MiB", found: "\(source.count) bytes",
                remedy: "Write one class per line.")
        }
        guard let text = String(validating: try source.allBytes(), as: UTF8.self) else {
            throw ZooError(
                .corrupt, "the list of classes isn't UTF-8 text", file: path,
                remedy: "Save it as UTF-8.")
        }
        // A carriage return and a line feed are one character.
        var lines = text.split(omittingEmptySubsequences: false) { $0 == "\n" || $0 == "\r\n" }.map(trimmed)
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty else {
            throw ZooError(
                .corrupt, "the list of classes is empty", file: path,
                remedy: "Write one class per line, or delete it.")
        }
        var seen: Set<String> = []
        for (number, line) in lines.enumerated() {
            guard !line.isEmpty else {
                throw ZooError(
                    .corrupt, "line \(number + 1) of the list of classes is empty", file: path,
                    remedy: "Name a class there, or delete the line.")
            }
            guard seen.insert(line).inserted else {
                throw ZooError(
                    .ambiguous, "the list of classes names a class twice", file: path,
                    found: "\(quoted(line)), again on line \(number + 1)",
                    remedy: "Give every class a name of its own.")
            }
        }
        return lines
    }

    private static func trimmed(_ line: Substring) -> String {
        func isBlank(_ character: Character) -> Bool {
            character == " " || character == "\t" || character == "\r"
        }
        var rest = line
        while let last = rest.last, isBlank(last) { rest.removeLast() }
        return String(rest.drop(while: isBlank))
    }
}
