import Menagerie

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// Checks that every command makes before it writes.
enum Outputs {
    /// Refuses to write over the file that is read, under whatever name.
    static func refuse(_ output: String, asOutputOf input: String) throws {
        var first = stat()
        var second = stat()
        guard unsafe stat(input, &first) == 0, unsafe stat(output, &second) == 0 else { return }
        if first.st_dev == second.st_dev, first.st_ino == second.st_ino {
            throw ZooError(
                .invalidArgument, "the output is the input itself", file: output, remedy: "Name another file."
            )
        }
    }
}

/// Names of classes from a text file.
enum Labels {
    /// One name per line; empty lines at the end don't count.
    static func read(_ path: String) throws -> [String] {
        let source = try ByteSource(path: path)
        guard source.count <= 16 << 20 else {
            throw ZooError(.limitExceeded, "a file of class names can't be this large", file: path)
        }
        guard let text = String(validating: try source.allBytes(), as: UTF8.self) else {
            throw ZooError(.corrupt, "the class names are not UTF-8 text", file: path)
        }
        var lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
        while lines.last?.isEmpty == true { lines.removeLast() }
        guard !lines.isEmpty, !lines.contains(where: \.isEmpty) else {
            throw ZooError(.corrupt, "the file of class names is empty or has an empty line", file: path)
        }
        guard Set(lines).count == lines.count else {
            throw ZooError(.corrupt, "a class name stands twice", file: path)
        }
        return lines
    }
}
