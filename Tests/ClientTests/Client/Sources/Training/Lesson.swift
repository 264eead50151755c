/// Something of the client's own that has nothing to do with Menagerie's training.
public struct Lesson {
    /// A lesson.
    public init() {}

    /// What was learnt.
    public func summary(_ class: String) -> String { "the picture shows \(`class`)" }
}
