/// The one error type of Menagerie: facts, not prose. The command turns it into a line of text.
public struct ZooError: Error, Sendable, Hashable {
    /// What kind of failure it is; stable across versions.
    public enum Code: String, Sendable, Hashable {
        /// Nothing is at the path.
        case fileNotFound = "file_not_found"
        /// The path is a folder, a pipe, or something else that isn't a regular file.
        case notAFile = "not_a_file"
        /// The operating system refused to read, write, map or start something.
        case systemFailure = "system_failure"
        /// The file ends before what it announces.
        case truncated
        /// The file contradicts its own format.
        case corrupt
        /// Well-formed, but of a kind that this version doesn't handle.
        case unsupported
        /// The tensors are of no network that is known.
        case unknownArchitecture = "unknown_architecture"
        /// The format isn't recognised.
        case unknownFormat = "unknown_format"
        /// A declared size is beyond the limits for files from strangers.
        case limitExceeded = "limit_exceeded"
        /// The file asks for something that is refused on security grounds.
        case refused
        /// A tensor that is needed isn't there.
        case missingTensor = "missing_tensor"
        /// A tensor is there with another shape or type than needed.
        case mismatch
        /// More than one reading is possible; the user has to choose.
        case ambiguous
        /// An argument doesn't fit what it is applied to.
        case invalidArgument = "invalid_argument"
        /// A check of data against its checksum failed.
        case checksum
    }

    /// The facts, behind one pointer: errors are thrown through many small functions, and one of this width costs
    /// them nothing. (Wide typed errors also make Swift 6.3 free an async function's memory in the wrong order.)
    private indirect enum Box: Sendable, Hashable {
        case facts(Facts)
    }

    private struct Facts: Sendable, Hashable {
        var code: Code
        var problem: String
        var file: String?
        var byteOffset: Int?
        var tensor: String?
        var expected: String?
        var found: String?
        var remedy: String?
        var warning: String?
    }

    private var box: Box

    private var facts: Facts {
        get {
            switch box {
            case .facts(let facts): facts
            }
        }
        set { box = .facts(newValue) }
    }

    /// The kind of failure.
    public var code: Code { facts.code }
    /// One clause that says what is wrong, without the file's name or a final full stop.
    public var problem: String { facts.problem }
    /// Path of the file concerned.
    public var file: String? { facts.file }
    /// Where in the file, in bytes from its start.
    public var byteOffset: Int? { facts.byteOffset }
    /// Dotted path or key of the tensor or layer concerned.
    public var tensor: String? { facts.tensor }
    /// What was expected, where a comparison failed.
    public var expected: String? { facts.expected }
    /// What was found instead.
    public var found: String? { facts.found }
    /// What the user can do about it.
    public var remedy: String? { facts.remedy }
    /// What else a person should know of the file, such as what it would have had Python run.
    public var warning: String? { facts.warning }

    /// Makes an error; leave out what isn't known where it is thrown, callers add to it.
    public init(
        _ code: Code, _ problem: String, file: String? = nil, byteOffset: Int? = nil, tensor: String? = nil,
        expected: String? = nil, found: String? = nil, remedy: String? = nil,
        warning: String? = nil
    ) {
        box = .facts(
            Facts(
                code: code, problem: problem, file: file, byteOffset: byteOffset, tensor: tensor,
                expected: expected, found: found, remedy: remedy, warning: warning))
    }

    /// The same error with the places filled in that it didn't name yet.
    public func adding(
        file: String? = nil, byteOffset: Int? = nil, tensor: String? = nil, remedy: String? = nil,
        warning: String? = nil
    ) -> ZooError {
        var copy = self
        copy.facts.file = self.file ?? file
        copy.facts.byteOffset = self.byteOffset ?? byteOffset
        copy.facts.tensor = self.tensor ?? tensor
        copy.facts.remedy = self.remedy ?? remedy
        copy.facts.warning = self.warning ?? warning
        return copy
    }
}

extension ZooError {
    /// The same error at another place of the file: of a part that was read by itself.
    package func moved(to byteOffset: Int) -> ZooError {
        var copy = self
        copy.facts.byteOffset = byteOffset
        return copy
    }
}

extension ZooError: CustomStringConvertible {
    /// All facts in one line, for logs and test failures.
    public var description: String {
        var text = problem
        if let tensor { text += " (\(tensor))" }
        if let expected { text += "; expected \(expected)" }
        if let found { text += expected == nil ? "; found \(found)" : ", found \(found)" }
        if let byteOffset { text += " at byte \(byteOffset)" }
        if let warning { text += "; \(warning)" }
        if let file { text = "\(file): \(text)" }
        if let remedy { text += ". \(remedy)" }
        return text
    }
}
