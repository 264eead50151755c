import Foundation

/// The client's own idea of a picture, named like one of Menagerie's types.
public struct Picture {
    /// The file as it is.
    public let bytes: [UInt8]

    /// Reads the file.
    public init(path: String) throws { bytes = Array(try Data(contentsOf: URL(filePath: path))) }
}
