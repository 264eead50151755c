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

    /// Refuses to write over any of the files that are read.
    static func refuse(_ outputs: [String], asOutputOf inputs: [String]) throws {
        for output in outputs {
            for input in inputs { try refuse(output, asOutputOf: input) }
        }
    }

    /// Bytes of the files that were written, together.
    static func byteCount(of paths: [String]) throws(ZooError) -> Int {
        var count = 0
        for path in paths { count += try ByteSource(path: path).count }
        return count
    }
}
