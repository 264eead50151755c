internal import ZooContainers
internal import ZooTensors

/// Collects what the pickles of a file would import and call.
struct PickleScan: Sendable {
    /// What looking at a place gave.
    enum Outcome {
        /// A whole pickle, and where it ends.
        case pickle(end: Int)
        /// A pickle that breaks off, or none.
        case broken(ZooError)
    }

    private(set) var imports: [CheckpointScan.Import] = []
    /// Classes and functions whose attributes would be changed.
    private(set) var changed: [(name: String, place: String, byteOffset: Int)] = []
    private(set) var count = 0
    private let limits: ReadLimits
    private var positions: [String: Int] = [:]
    /// Pickles that may still be looked through.
    private(set) var budget = 100_000
    /// Bytes that may still be looked at in places where there may be no pickle.
    private var trialBytes = 64 << 20

    init(limits: ReadLimits) { self.limits = limits }

    /// Whether more was there than is looked through.
    var isExhausted: Bool { budget <= 0 || trialBytes <= 0 }

    /// Looks through the pickle at a place where there has to be one.
    mutating func look(at position: Int, in source: ByteSource, _ place: String) -> Outcome {
        let (document, error) = PickleMachine.readPart(source, at: position, limits: limits)
        note(document, place)
        if let error { return .broken(error) }
        return .pickle(end: document.end)
    }

    /// Looks at a place where there may be a pickle; it counts as one when it imports something and, without
    /// `isLoose`, comes to its end.
    /// - Returns: where it ends, or breaks off.
    mutating func `try`(
        at position: Int, in source: ByteSource, _ place: String, isLoose: Bool
    ) -> Int? {
        guard !isExhausted else { return nil }
        let (document, error) = PickleMachine.readPart(source, at: position, limits: limits)
        let end =
            error == nil ? document.end : max((error?.byteOffset ?? source.start) - source.start, position)
        trialBytes -= max(end - position, 64)
        guard !document.imports.isEmpty, isLoose || error == nil || !document.allObjects.isEmpty else {
            return nil
        }
        note(document, place)
        return end
    }

    private mutating func note(_ document: PickleDocument, _ place: String) {
        budget -= 1
        count += 1
        var called: [PickleReference: Int] = [:]
        for object in document.allObjects { called[object.callable, default: 0] += 1 }
        for reference in document.changedGlobals {
            guard let name = document.global(reference), changed.count < 100 else { continue }
            changed.append((shown(name), place, document.byteOffset(reference)))
        }
        for (reference, name) in document.imports {
            let key = "\(place)\n\(name)"
            let calls = called[reference] ?? 0
            if let known = positions[key] {
                imports[known].calls += calls
                continue
            }
            guard imports.count < 100_000 else {
                budget = 0
                return
            }
            positions[key] = imports.count
            imports.append(
                CheckpointScan.Import(
                    name: shown(name), judgement: PickleJudgement(name), calls: calls, place: place,
                    byteOffset: document.byteOffset(reference)))
        }
    }

    private func shown(_ name: PickleGlobal) -> String {
        String(quoted(name.description).dropFirst().dropLast())
    }
}
