public import ZooTensors

/// A table of tensors as it is copied to another file: which tensors, under which names, as which type. Known before any
/// byte moves.
public struct TensorCopy: Sendable {
    /// What the user decides.
    public struct Options: Sendable {
        /// Which tensors are copied, by their names in the source.
        public var selection = NameSelection()
        /// What gives them other names.
        public var rename: RenameRules?
        /// What gives their numbers another type.
        public var typeChange: ElementTypeChange?

        /// Everything as it is.
        public init() {}
    }

    /// One tensor.
    public struct Entry: Sendable {
        /// As it is in the source.
        public let source: CheckpointTensor
        /// As it will be written.
        public let target: CheckpointTensor

        /// What changes, for people; empty when nothing does.
        public var changes: [String] {
            var changes: [String] = []
            if source.name != target.name { changes.append("renamed") }
            if source.elementType != target.elementType {
                changes.append("\(source.elementType.rawValue)→\(target.elementType.rawValue)")
            }
            return changes
        }
    }

    /// What is copied, in the source's order.
    public let entries: [Entry]
    /// Names of what isn't.
    public let leftOut: [String]
    /// What a person should know, one sentence each: rules and patterns that matched nothing.
    public let notes: [String]

    /// Plans a copy.
    /// - Throws: ``ZooError`` when nothing is left to copy, when two tensors would have the same name, when a name becomes
    ///   empty, or for numbers that aren't converted.
    public init(of checkpoint: Checkpoint, options: Options = Options()) throws(ZooError) {
        do throws(ZooError) {
            let names = checkpoint.tensors.map(\.name)
            let taken = checkpoint.tensors.filter { options.selection.takes($0.name) }
            guard !taken.isEmpty else {
                throw ZooError(
                    .missingTensor,
                    names.isEmpty
                        ? "the file holds no tensors" : "none of the \(names.count) tensors is taken",
                    remedy: names.isEmpty ? nil : "Give --include and --exclude patterns that leave some.")
            }
            leftOut = names.filter { !options.selection.takes($0) }
            var notes = options.selection.notes(for: names)
            var newNames = taken.map(\.name)
            if let rename = options.rename {
                let outcome = try rename.rename(newNames)
                newNames = outcome.names
                notes += rename.notes(for: outcome.matches)
            }
            var origins: [String: String] = [:]
            var entries: [Entry] = []
            for (tensor, name) in zip(taken, newNames) {
                if let other = origins.updateValue(tensor.name, forKey: name) {
                    throw ZooError(
                        .invalidArgument, "two tensors would have the same name", tensor: name,
                        found: "\(other) and \(tensor.name)",
                        remedy: "Change the rename rules, or leave one of them out (--exclude).")
                }
                var target = tensor.renamed(name)
                if let change = options.typeChange { target = try change.applied(to: target) }
                entries.append(Entry(source: tensor, target: target))
            }
            self.entries = entries
            self.notes = notes
        } catch {
            throw error.adding(file: checkpoint.path)
        }
    }

    /// Whether every tensor keeps its name and none is left out.
    public var keepsNames: Bool { leftOut.isEmpty && entries.allSatisfy { $0.source.name == $0.target.name } }

    /// Bytes that will be written.
    public func byteCount() throws(ZooError) -> Int {
        var count = 0
        for entry in entries { count = try Checked.sum(count, try entry.target.byteCount()) }
        return count
    }
}
