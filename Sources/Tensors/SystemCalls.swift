#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#elseif canImport(Darwin)
    import Darwin
#endif

/// What the operating system said about the last failed call, in words.
package func systemFailureReason() -> String {
    let code = errno
    guard let text = unsafe strerror(code) else { return "error \(code)" }
    return unsafe String(cString: text)
}

/// An error for a call on a path that the operating system refused.
package func systemError(_ action: String, path: String, remedy: String? = nil) -> ZooError {
    let code = errno
    let reason = systemFailureReason()
    return ZooError(
        code == ENOENT || code == ENOTDIR ? .fileNotFound : .systemFailure, "\(action): \(reason)",
        file: path,
        remedy: remedy)
}

/// `write(2)`, under a name that a type's own `write` doesn't hide.
func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    unsafe write(descriptor, bytes, count)
}

/// Lends an array's bytes to a body that throws ``ZooError`` (the standard library's own `rethrows` would widen
/// the type of the error).
package func lendingBytes<Element, Result>(
    of array: [Element], _ body: (UnsafeRawBufferPointer) throws(ZooError) -> Result
) throws(ZooError) -> Result {
    let outcome = unsafe array.withUnsafeBytes { bytes -> Swift.Result<Result, ZooError> in
        do throws(ZooError) {
            return .success(try unsafe body(bytes))
        } catch {
            return .failure(error)
        }
    }
    return try outcome.get()
}

extension UnsafeRawBufferPointer {
    /// Whether the other holds the same bytes.
    package func elementsEqualBytes(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let left = baseAddress, let right = other.baseAddress else { return count == 0 }
        return unsafe memcmp(left, right, count) == 0
    }
}

/// A clock that never goes back.
package enum MonotonicClock {
    /// Seconds since some moment.
    package static func seconds() -> Double {
        var time = timespec()
        unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
    }
}
