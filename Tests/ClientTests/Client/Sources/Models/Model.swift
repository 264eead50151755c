/// The client's own idea of a model, named like one of Menagerie's types.
public struct Model {
    /// Where its file is.
    public let path: String

    /// Names the file.
    public init(path: String) { self.path = path }
}
