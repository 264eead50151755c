#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// A thread of the operating system. Swift's concurrency pool stays free.
@safe package final class WorkerThread {
    private final class Body {
        let run: @Sendable () -> Void
        let isHumble: Bool
        init(isHumble: Bool, _ run: @escaping @Sendable () -> Void) {
            self.isHumble = isHumble
            self.run = run
        }

        func runHere() {
            if isHumble {
                #if canImport(Darwin)
                    pthread_set_qos_class_self_np(QOS_CLASS_BACKGROUND, 0)
                #else
                    // PRIO_PROCESS, which on Linux concerns the calling thread alone.
                    setpriority(0, 0, 19)
                #endif
            }
            run()
        }
    }

    #if canImport(Darwin)
        private let handle: pthread_t?
    #else
        private let handle: pthread_t
    #endif

    /// Starts a thread.
    /// - Parameter isHumble: whether it has the lowest priority, and takes only time that others leave over.
    package init(isHumble: Bool, _ body: @escaping @Sendable () -> Void) throws(ZooError) {
        let argument = unsafe Unmanaged.passRetained(Body(isHumble: isHumble, body))
        #if canImport(Darwin)
            var thread: pthread_t?
            let outcome = unsafe pthread_create(
                &thread, nil,
                { argument in
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().runHere()
                    return nil
                }, argument.toOpaque())
        #else
            var thread = pthread_t()
            let outcome = unsafe pthread_create(
                &thread, nil,
                { argument in
                    guard let argument = unsafe argument else { return nil }
                    unsafe Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().runHere()
                    return nil
                }, argument.toOpaque())
        #endif
        guard outcome == 0 else {
            unsafe argument.release()
            throw ZooError(
                .systemFailure, "cannot start a thread", found: "error \(outcome)",
                remedy: "Use fewer threads.")
        }
        handle = thread
    }

    /// Waits until the body has returned. To be called once.
    package func join() {
        #if canImport(Darwin)
            if let handle = unsafe handle { unsafe pthread_join(handle, nil) }
        #else
            pthread_join(handle, nil)
        #endif
    }
}

/// A lock with a condition to wait for.
@safe package final class Monitor: @unchecked Sendable {
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private let condition: UnsafeMutablePointer<pthread_cond_t>

    package init() {
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
    package func locked<Result>(_ body: () -> Result) -> Result {
        unsafe pthread_mutex_lock(mutex)
        defer { unsafe pthread_mutex_unlock(mutex) }
        return body()
    }

    /// Within ``locked(_:)``: lets others in until somebody wakes us.
    package func wait() { unsafe pthread_cond_wait(condition, mutex) }

    /// Within ``locked(_:)``: wakes everybody who waits.
    package func wakeAll() { unsafe pthread_cond_broadcast(condition) }
}
