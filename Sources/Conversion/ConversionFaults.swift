import ZooArchitectures
import ZooLayerGraphs
public import ZooTensors

extension ConversionPlan {
    /// What keeps the file from being the network, in a clause: `resnet18 by torchvision's names, but for fc.weight:
    /// missing`; `nil` when nothing does.
    public var nearMiss: String? {
        let faults =
            mismatched.map { "\($0.key): \($0.found) instead of \($0.expected)" }
            + missing.map { "\($0.path): missing" }
            + (origin.foreignHead.isEmpty
                ? unusedParameters.map { "\($0): not its own" }
                : ["its head: the file has \(origin.foreignHead.joined(separator: ", "))"])
        guard let first = faults.first else { return nil }
        let more = faults.count > 1 ? ", and \(faults.count - 1) more" : ""
        return "\(architecture.name) by \(dialect), but for \(first)\(more)"
    }

    /// Whether nothing but the head is another than the architecture's own.
    public var hasAnotherHead: Bool {
        !origin.foreignHead.isEmpty && mismatched.isEmpty && missing.isEmpty
    }

    /// Refuses a plan that leaves something out.
    /// - Throws: ``ZooError`` that names the first tensors concerned and suggests near misses.
    public func requireComplete(file: String?) throws(ZooError) {
        let remedy =
            "If that is meant: zoo convert --allow-partial goes on without, and initialises afresh what is missing."
        if let first = mismatched.first {
            throw ZooError(
                .mismatch,
                mismatched.count == 1
                    ? "a tensor has another shape than \(architecture.name) needs"
                    : "\(mismatched.count) tensors have other shapes than \(architecture.name) needs, the first",
                file: file, tensor: first.key, expected: first.expected.description,
                found: first.found.description, remedy: hint(first) + remedy)
        }
        if let first = missing.first {
            let near = nearest(to: first.path.description, among: unused)
            let hint = near.isEmpty ? "" : "The file has \(near.joined(separator: ", ")). "
            throw ZooError(
                .missingTensor,
                missing.count == 1
                    ? "the file lacks a parameter of \(architecture.name)"
                    : "the file lacks \(missing.count) parameters of \(architecture.name), the first",
                file: file, tensor: first.path.description, remedy: hint + remedy)
        }
        if let first = origin.foreignHead.first {
            throw ZooError(
                .mismatch,
                "the file is \(architecture.name) but for its head, which is another: "
                    + origin.foreignHead.joined(separator: ", "),
                file: file, tensor: "\(first).weight",
                remedy: "Tensors don't show what lies between the head's layers. "
                    + (origin.remedy.isEmpty ? "Pass --headless to take the body alone." : origin.remedy)
            )
        }
        if let first = unusedParameters.first {
            throw ZooError(
                .mismatch,
                unusedParameters.count == 1
                    ? "the file has a tensor that \(architecture.name) has no use for"
                    : "the file has \(unusedParameters.count) tensors that \(architecture.name) has no use for, the first",
                file: file, tensor: first, remedy: "Pass --allow-partial to leave it out.")
        }
    }

    /// What a wrong shape looks like.
    private func hint(_ mismatch: Mismatch) -> String {
        if mismatch.found.rank == mismatch.expected.rank,
            mismatch.found.dimensions == mismatch.expected.dimensions.reversed()
        {
            return "It looks transposed. "
        }
        if mismatched.count > 1, let other = origin.dialect?.architecture {
            return "It has the names of \(other); other networks have the same with other shapes. "
        }
        return ""
    }
}
