import Foundation

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What this process and those that it starts take.
enum Meter {
    #if canImport(Glibc)
        private static let itself = __rusage_who_t(RUSAGE_SELF.rawValue)
        private static let children = __rusage_who_t(RUSAGE_CHILDREN.rawValue)
        private static let profiling = __itimer_which_t(2)
    #else
        private static let itself = RUSAGE_SELF
        private static let children = RUSAGE_CHILDREN
        private static let profiling = ITIMER_PROF
    #endif

    #if canImport(Darwin)
        private static let residentUnit = 1
    #else
        private static let residentUnit = 1024
    #endif

    private static func usage(ofChildren isOfChildren: Bool) -> rusage {
        var usage = rusage()
        unsafe getrusage(isOfChildren ? children : itself, &usage)
        return usage
    }

    private static func seconds(_ time: timeval) -> Double {
        Double(time.tv_sec) + Double(time.tv_usec) * 1e-6
    }

    /// Processor time so far, in seconds, also that of processes that have ended.
    static var processorSeconds: Double {
        [false, true].reduce(0) { sum, isOfChildren in
            let usage = usage(ofChildren: isOfChildren)
            return sum + seconds(usage.ru_utime) + seconds(usage.ru_stime)
        }
    }

    private static let forgetting = unsafe open("/proc/self/clear_refs", O_WRONLY)
    private static let status = unsafe open("/proc/self/status", O_RDONLY)

    /// Forgets the peak so far, where the system can: else peaks only grow.
    static func forgetPeak() {
        guard forgetting >= 0 else { return }
        _ = unsafe pwrite(forgetting, "5", 1, 0)
    }

    /// The most memory that was resident since the peak was forgotten, in bytes.
    static var peakBytes: Int {
        guard forgetting >= 0, status >= 0 else {
            return Int(usage(ofChildren: false).ru_maxrss) * residentUnit
        }
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = unsafe pread(status, &buffer, buffer.count, 0)
        let text = String(decoding: buffer.prefix(max(count, 0)), as: UTF8.self)
        guard let line = text.firstRange(of: "VmHWM:") else { return 0 }
        let number = text[line.upperBound...].drop { !$0.isNumber }.prefix { $0.isNumber }
        return (Int(number) ?? 0) * 1024
    }

    /// The most memory that a process had which this one started, in bytes.
    static var childPeakBytes: Int { Int(usage(ofChildren: true).ru_maxrss) * residentUnit }

    /// Ends the process by SIGPROF unless it is called again within two seconds of its own processor time, or by
    /// SIGALRM after half a minute by the clock, for what waits for another process.
    static func rearm() {
        var twoSeconds = itimerval(
            it_interval: timeval(tv_sec: 0, tv_usec: 0), it_value: timeval(tv_sec: 2, tv_usec: 0))
        unsafe setitimer(profiling, &twoSeconds, nil)
        alarm(30)
    }
}
