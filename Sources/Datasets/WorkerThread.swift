internal import ZooTensors

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread of the operating system at the lowest priority, so that it takes only time that the mathematics
/// leave over. Swift's concurrency pool stays free.
@safe final class WorkerThread {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    #if canImport(Darwin)
        private let handle: pthread_t?
    #else
        private let handle: pthread_t
    #endif

    init(_ body: @escaping @Sendable () -> Void) throws(ZooError) {
        let argument = unsafe Unmanaged.passRetained(Body(body))
        #if canImport(Darwin)
            var thread: pthread_t?
            let outcome = unsafe pthread_create(
                &thread, nil,
                { argument in
                    pthread_set_qos_class_self_np(QOS_CLASS_BACKGROUND, 0)
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, argument.toOpaque())
        #else
            var thread = pthread_t()
            let outcome = unsafe pthread_create(
                &thread, nil,
                { argument in
                    // PRIO_PROCESS, which on Linux concerns the calling thread alone.
                    setpriority(0, 0, 19)
                    guard let argument = unsafe argument else { return nil }
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run()
                    return nil
                }, argument.toOpaque())
        #endif
        guard outcome == 0 else {
            unsafe argument.release()
            throw ZooError(
                .systemFailure, "cannot start a thread that loads data", found: "error \(outcome)",
                remedy: "Use fewer threads.")
        }
        handle = thread
    }

    /// Waits until the body has returned. To be called once.
    func join() {
        #if canImport(Darwin)
            if let handle = unsafe handle { unsafe pthread_join(handle, nil) }
        #else
            pthread_join(handle, nil)
        #endif
    }
}

/// A lock with a condition to wait for.
@safe final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    init() {
        unsafe mutex = .allocate(capacity: 1)
        unsafe condition = .allocate(capacity: 1)
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    /// Runs a body that nobody else who asks runs at the same time.
    func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Within ``locked(_:)``: lets others in until somebody wakes us.
    func wait() { unsafe pthread_cond_wait(condition, mutex) }

    /// Within ``locked(_:)``: wakes everybody who waits.
    func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
