import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

/// The project's parity rule for results: the largest difference, relative to the largest reference value.
func forwardError(_ ours: Tensor, _ reference: Tensor) throws -> Double {
    let (mine, theirs) = (try ours.doubles(), try reference.doubles())
    #expect(ours.shape == reference.shape)
    let scale = theirs.reduce(0) { max($0, abs($1)) }
    let difference = zip(mine, theirs).reduce(0) { max($0, abs($1.0 - $1.1)) }
    // NaN compares false everywhere and must not pass.
    return mine.allSatisfy(\.isFinite) ? difference / max(scale, 1e-300) : .infinity
}

/// The project's parity rule for gradients: ‖Δ‖ ≤ tolerance·‖g‖ + 1e-5·‖all gradients‖, per parameter.
func expectGradients(
    _ ours: ParameterTable, _ reference: ParameterTable, tolerance: Double = 1e-4, _ comment: Comment
) throws {
    func norm(_ values: [Double]) -> Double { dot(values, values).squareRoot() }
    #expect(ours.paths == reference.paths, comment)
    let all = norm(try reference.entries.flatMap { try $0.tensor.doubles() })
    for (path, tensor) in reference.entries {
        let mine = try #require(ours[path], comment)
        #expect(mine.shape == tensor.shape, comment)
        let (values, wanted) = (try mine.doubles(), try tensor.doubles())
        let difference = norm(zip(values, wanted).map { $0 - $1 })
        #expect(difference <= tolerance * norm(wanted) + 1e-5 * all, "\(path), \(comment)")
    }
}

/// The suites that use an engine, one test after the other: they would fight over the processors.
@Suite(.serialized) struct OnTheEngine {}

/// The engine that all suites share.
let sharedEngine = Result { () throws(ZooError) in try Engine(threads: 4) }
