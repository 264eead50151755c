internal import ZooContainers
public import ZooTensors

/// How to read a checkpoint file.
public struct CheckpointReadOptions: Sendable, Hashable {
    /// Dotted path of the state dict to take when a file has several (`state_dict_ema`, `models.0`); `nil` to take
    /// the only one.
    public var key: String?
    /// Leave prefixes that all keys share (`module.`, `_orig_mod.`, `model.`) as they are.
    public var keepPrefixes = false
    /// Read quantized tensors as the real numbers (`f32`) that they stand for; else their numbers aren't read.
    public var dequantizes = false
    /// Take the tensors of a PyTorch file from all dictionaries in it, however nested, their names joined with dots; else
    /// those of one state dict.
    public var joinsNestedNames = false
    /// Bounds on what the file may ask for.
    public var limits = ReadLimits()

    /// The defaults.
    public init(
        key: String? = nil, keepPrefixes: Bool = false, dequantizes: Bool = false,
        joinsNestedNames: Bool = false, limits: ReadLimits = ReadLimits()
    ) {
        self.key = key
        self.keepPrefixes = keepPrefixes
        self.dequantizes = dequantizes
        self.joinsNestedNames = joinsNestedNames
        self.limits = limits
    }

    /// Refuses a key for a file that has but one set of tensors, where it would say nothing.
    /// - Throws: ``ZooError`` when there is a ``key``.
    public func refuseKey(path: String?) throws(ZooError) {
        guard let key, !key.isEmpty else { return }
        throw ZooError(
            .invalidArgument, "a state dict can be chosen only in a PyTorch file, and this is none",
            file: path,
            found: "the key \(quoted(key))", remedy: "Leave the key (--key) out.")
    }
}
