import CZooKernels
import Synchronization
import ZooTensors

/// What the engine's thread has to do, and the signal that wakes it.
@safe final class EngineQueue: @unchecked Sendable {
    typealias Job = @Sendable (EngineContext) -> Void

    private struct State {
        var jobs: [Job] = []
        var isStopping = false
    }

    private let state = Mutex(State())
    private let signal: ThreadSignal

    init() throws(ZooError) { self.signal = try ThreadSignal() }

    func add(_ job: @escaping Job) {
        state.withLock { $0.jobs.append(job) }
        signal.send()
    }

    /// Lets the thread end once it has done what was asked before.
    func stop() {
        state.withLock { $0.isStopping = true }
        signal.send()
    }

    /// The thread's life.
    func work(_ context: EngineContext) {
        while true {
            // Batches of a training run follow each other closely; watching is cheaper than sleeping then.
            signal.wait(watchingMicroseconds: 50)
            let (jobs, isStopping) = state.withLock { state in
                defer { state.jobs.removeAll(keepingCapacity: true) }
                return (state.jobs, state.isStopping)
            }
            for job in jobs { job(context) }
            if isStopping, state.withLock({ $0.jobs.isEmpty }) { return }
        }
    }
}

/// A counting signal between threads, over the C one.
@safe final class ThreadSignal: @unchecked Sendable {
    private let handle: OpaquePointer

    init() throws(ZooError) {
        guard let handle = unsafe zoo_signal_create() else {
            throw ZooError(.systemFailure, "there is no memory for a signal between threads")
        }
        unsafe self.handle = handle
    }

    deinit { unsafe zoo_signal_destroy(handle) }

    func send() { unsafe zoo_signal_send(handle) }

    func wait(watchingMicroseconds: Int32 = 0) { unsafe zoo_signal_wait(handle, watchingMicroseconds) }
}
