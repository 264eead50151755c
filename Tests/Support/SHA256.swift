internal import ZooContainers

/// Hashes for comparing with those that a reference computed.
package enum SHA256 {
    /// The SHA-256 of some bytes, in lower-case hexadecimal.
    package static func hexadecimal(_ bytes: [UInt8]) -> String {
        var digest = SHA256Digest()
        digest.update(bytes)
        return digest.finish()
    }
}
