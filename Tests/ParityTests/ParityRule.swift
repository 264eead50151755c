import Testing
import ZooCheckpoints
import ZooTensors

/// The house's rule for comparing numbers with a framework's: the reference is the framework in float64, and ours
/// may be off by the tolerance, or by four times the framework's own single-precision error if that is more.
enum ParityRule {
    /// max |ours − reference| / max |reference|.
    static func error(_ ours: [Double], _ reference: [Double]) -> Double {
        guard ours.count == reference.count else { return .infinity }
        let scale = reference.reduce(0) { max($0, abs($1)) }
        let distance = zip(ours, reference).reduce(0) { $1.0.isNaN ? .infinity : max($0, abs($1.0 - $1.1)) }
        return distance / (scale > 0 ? scale : 1)
    }

    /// Checks one tensor.
    static func expect(
        _ name: String, _ ours: Tensor, equals reference: Tensor, single: Tensor? = nil,
        within tolerance: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(ours.shape == reference.shape, "\(name)", sourceLocation: sourceLocation)
        let wanted = try reference.doubles()
        let found = error(try ours.doubles(), wanted)
        let own = try single.map { error(try $0.doubles(), wanted) } ?? 0
        #expect(
            found <= max(tolerance, 4 * own),
            "\(name): error \(found), the framework's own f32 error \(own), tolerance \(tolerance)",
            sourceLocation: sourceLocation)
    }

    /// Checks a set of gradients: ‖Δg_p‖ ≤ tolerance·‖g_p‖ + 1e-5·‖g‖.
    static func expectGradients(
        _ ours: [(name: String, tensor: Tensor)], equal reference: [String: Tensor], within tolerance: Double,
        sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        #expect(ours.count == reference.count, sourceLocation: sourceLocation)
        var whole = 0.0
        for tensor in reference.values { whole += try squared(tensor.doubles()) }
        for (name, tensor) in ours {
            let wanted = try #require(
                reference[name], "no golden gradient for \(name)", sourceLocation: sourceLocation)
            #expect(tensor.shape == wanted.shape, "\(name)", sourceLocation: sourceLocation)
            let distance = squared(zip(try tensor.doubles(), try wanted.doubles()).map { $0 - $1 })
                .squareRoot()
            let allowed = try tolerance * squared(wanted.doubles()).squareRoot() + 1e-5 * whole.squareRoot()
            #expect(
                distance <= allowed, "\(name): \(distance), allowed \(allowed)",
                sourceLocation: sourceLocation)
        }
    }

    private static func squared(_ values: [Double]) -> Double { values.reduce(0) { $0 + $1 * $1 } }
}

extension Checkpoint {
    /// A tensor that must be there.
    func tensor(_ name: String) throws -> Tensor { try #require(self[name], "no golden \(name)").load() }

    /// Names after a prefix, with their tensors.
    func tensors(under prefix: String) throws -> [String: Tensor] {
        var result: [String: Tensor] = [:]
        for entry in tensors where entry.name.hasPrefix(prefix) {
            result[String(entry.name.dropFirst(prefix.count))] = try entry.load()
        }
        return result
    }
}
