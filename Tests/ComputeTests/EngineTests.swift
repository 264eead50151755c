import Testing
import ZooCompute
import ZooLayerGraphs
import ZooTensors

extension OnTheEngine {
    @Suite struct EngineTests {
        @Test func jobsRunInOrderAndErrorsReachTheCaller() async throws {
            let engine = try Engine(threads: 2)
            #expect(engine.threads == 2)
            let sum = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<100 {
                    group.addTask {
                        try await engine.run { (context) throws(ZooError) in context.threads * number }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(sum == 9900)
            await #expect(throws: ZooError.self) {
                try await engine.run { (_) throws(ZooError) -> Int in throw ZooError(.refused, "no") }
            }
            #expect(throws: ZooError.self) { try Engine(threads: 0) }
        }

        @Test func jobsMayAskForJobs() throws {
            let engine = try Engine(threads: 1)
            let answer = try engine.run { (_) throws(ZooError) in
                try engine.run { (_) throws(ZooError) in 42 }
            }
            #expect(answer == 42)
        }

        @Test func enginesComeAndGo() throws {
            for _ in 0..<20 {
                let engine = try Engine(threads: 3)
                let graph = try Network.tutorial.graph()
                let executor = try NativeExecutor(
                    graph: graph, parameters: randomParameters(for: graph), engine: engine)
                _ = try executor.forward(randomTensor(graph.input.shape(batch: 4), name: "input"))
            }
        }

        @Test("The same bits whoever asks, in whatever order")
        func concurrentCallers() async throws {
            let engine = try sharedEngine.get()
            let graph = try Network.awkward.graph()
            let executor = try NativeExecutor(
                graph: graph, parameters: randomParameters(for: graph), engine: engine)
            struct Answer: Sendable, Equatable {
                var batch: Int
                var output: [Float]
                var gradients: [[Float]]
            }
            @Sendable func ask(_ number: Int) async throws -> Answer {
                let batch = 1 + number % 5
                let input = try randomTensor(graph.input.shape(batch: batch), name: "input \(batch)")
                let mode = ExecutionMode.training(TrainingMoment(seed: 3, step: UInt64(number % 2)))
                let result = try await executor.forward(input, mode: mode)
                let gradients = try await executor.gradients(
                    input: input, outputGradient: result.output, mode: mode)
                return Answer(
                    batch: batch, output: try result.output.floats(),
                    gradients: try gradients.parameters.entries.map { try $0.tensor.floats() })
            }
            var serial: [Answer] = []
            for number in 0..<20 { serial.append(try await ask(number)) }
            let together = try await withThrowingTaskGroup(of: (Int, Answer).self) { group in
                for number in 0..<20 { group.addTask { (number, try await ask(number)) } }
                return try await group.reduce(into: [Int: Answer]()) { $0[$1.0] = $1.1 }
            }
            for number in 0..<20 { #expect(together[number] == serial[number]) }
        }

        @Test("The same bits in another process' place: a new engine, a new executor")
        func reproducible() throws {
            let graph = try Network.blocks.graph()
            var answers: [[Float]] = []
            for _ in 0..<2 {
                let executor = try NativeExecutor(
                    graph: graph, parameters: randomParameters(for: graph), engine: Engine(threads: 3),
                    mostly: PlanConfiguration(.training, batch: 8))
                let input = try randomTensor(graph.input.shape(batch: 8), name: "input")
                let mode = ExecutionMode.training(TrainingMoment(seed: 3))
                let gradients = try executor.gradients(
                    input: input, outputGradient: randomTensor([8, 10], name: "cotangent"), mode: mode)
                answers.append(try gradients.parameters.entries.flatMap { try $0.tensor.floats() })
            }
            #expect(answers[0] == answers[1])
        }
    }
}
