import CZooKernels
import Synchronization
public import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// One operating system's thread that owns all math. OpenMP keeps a pool and a thread count per calling thread,
/// and the bits of a gradient depend on that count; so everything is computed here, one job after another, with
/// a number of threads that never changes. Tasks wait without blocking a thread of Swift's pool.
///
/// GNU's OpenMP lets waiting threads spin for milliseconds, which is ruinous when something else wants a
/// processor too: a thread that was put aside is waited for at full load, at every layer. It reads its settings
/// before a program's first line, so a program sets ``recommendedEnvironment`` and starts itself again, or is
/// started with it.
@safe public final class Engine: @unchecked Sendable {
    /// Threads that a computation is spread over, the engine's own included.
    public let threads: Int
    private let queue: EngineQueue
    private let thread: OpaquePointer

    /// Starts the thread.
    /// - Parameter threads: 1 to 1024; by default as many as there are processors.
    public init(threads: Int? = nil) throws(ZooError) {
        let count = threads ?? Engine.processorCount
        guard (1...1024).contains(count) else {
            throw ZooError(.invalidArgument, "an engine needs 1 to 1024 threads", found: "\(count)")
        }
        let queue = try EngineQueue()
        let start = EngineStart(queue: queue, threads: count)
        let body: @convention(c) (UnsafeMutableRawPointer?) -> Void = { argument in
            guard let argument = unsafe argument else { return }
            let start = unsafe Unmanaged<EngineStart>.fromOpaque(argument).takeRetainedValue()
            _ = zoo_openmp_set_threads(Int32(start.threads))
            start.queue.work(EngineContext(threads: start.threads))
        }
        let argument = unsafe Unmanaged.passRetained(start)
        guard let thread = unsafe zoo_thread_start(body, argument.toOpaque()) else {
            unsafe argument.release()
            throw ZooError(.systemFailure, "the system doesn't start another thread")
        }
        self.threads = count
        self.queue = queue
        unsafe self.thread = thread
    }

    deinit {
        queue.stop()
        unsafe zoo_thread_finish(thread)
    }

    /// Environment variables to start a process with, unless the user has set them.
    public static var recommendedEnvironment: [String: String] { ["GOMP_SPINCOUNT": "1000"] }

    /// The library that computes and the instructions that it uses here: `oneDNN 2.6.3, avx512_core`.
    public static var library: String { "\(OneDNN.version), \(OneDNN.instructionSet)" }

    /// Processors that the system has.
    public static var processorCount: Int { min(max(Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))), 1), 1024) }

    /// Runs a job on the engine's thread and waits for it, without blocking a thread.
    package func run<Value: Sendable>(
        _ job: @escaping @Sendable (EngineContext) throws(ZooError) -> Value
    ) async throws(ZooError) -> Value {
        let result: Result<Value, ZooError> = await withCheckedContinuation { continuation in
            queue.add { context in
                continuation.resume(returning: Result { () throws(ZooError) in try job(context) })
            }
        }
        return try result.get()
    }

    /// Runs a job on the engine's thread, blocking the calling one; for callers that aren't tasks.
    package func run<Value: Sendable>(
        _ job: @escaping @Sendable (EngineContext) throws(ZooError) -> Value
    ) throws(ZooError) -> Value {
        guard unsafe !zoo_thread_is_current(thread) else {
            // A job that asks for another would wait for itself.
            return try job(EngineContext(threads: threads))
        }
        let answer = try EngineAnswer<Value>()
        queue.add { context in answer.give(Result { () throws(ZooError) in try job(context) }) }
        return try answer.take().get()
    }
}

/// Proof of being on the engine's thread; what may only be touched there asks for it. Not `Sendable`, so it
/// stays there.
package final class EngineContext {
    /// Threads that a computation is spread over.
    package let threads: Int

    fileprivate init(threads: Int) { self.threads = threads }

    /// Does something with fewer threads than the engine has.
    func using<Result>(
        threads count: Int, _ body: () throws(ZooError) -> Result
    ) throws(ZooError) -> Result {
        guard count != threads else { return try body() }
        _ = zoo_openmp_set_threads(Int32(clamping: count))
        defer { _ = zoo_openmp_set_threads(Int32(clamping: threads)) }
        return try body()
    }
}

/// What the new thread is handed.
private final class EngineStart: Sendable {
    let queue: EngineQueue
    let threads: Int

    init(queue: EngineQueue, threads: Int) {
        self.queue = queue
        self.threads = threads
    }
}

/// A result that one thread waits for and another gives.
private final class EngineAnswer<Value: Sendable>: Sendable {
    private let result = Mutex<Result<Value, ZooError>?>(nil)
    private let signal: ThreadSignal

    init() throws(ZooError) { self.signal = try ThreadSignal() }

    func give(_ result: Result<Value, ZooError>) {
        self.result.withLock { $0 = result }
        signal.send()
    }

    func take() -> Result<Value, ZooError> {
        signal.wait()
        let lost = ZooError(.systemFailure, "the engine gave no answer")
        return result.withLock { $0 } ?? .failure(lost)
    }
}
