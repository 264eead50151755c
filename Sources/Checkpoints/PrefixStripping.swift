/// Takes off prefixes that every key of a state dict has because the network was wrapped in something.
///
/// The rule, applied until it changes nothing: a prefix that all keys share goes when it is one that tools put
/// there (`module.` of DataParallel, `_orig_mod.` of torch.compile, `ema.` and `ema_model.` of averaging), and
/// also when it is a usual name of the attribute that holds the network (`model.`, `net.`, `network.`,
/// `backbone.`), except where all keys would then begin with a digit: `net.0.weight` is how a network names its
/// own `nn.Sequential` (Dive into Deep Learning's LeNet does).
struct PrefixStripping {
    private static let toolPrefixes = ["module.", "_orig_mod.", "ema_model.", "ema."]
    private static let attributePrefixes = ["model.", "net.", "network.", "backbone."]

    /// What was taken off, outermost first.
    private(set) var stripped: [String] = []
    /// The keys, in the given order, without it.
    private(set) var names: [String]

    init(_ names: [String]) {
        self.names = names
        while let prefix = removable() {
            stripped.append(prefix)
            self.names = self.names.map { String($0.dropFirst(prefix.count)) }
        }
    }

    /// A sentence for the notes, when something was taken off.
    var note: String? {
        stripped.isEmpty ? nil : "stripped the prefix \(stripped.joined()) that all keys share"
    }

    private func removable() -> String? {
        if let prefix = PrefixStripping.toolPrefixes.first(where: isShared) { return prefix }
        return PrefixStripping.attributePrefixes.first { prefix in
            isShared(prefix)
                && !names.allSatisfy { name in
                    name.dropFirst(prefix.count).first.map { $0.isASCII && $0.isNumber } ?? false
                }
        }
    }

    private func isShared(_ prefix: String) -> Bool {
        !names.isEmpty && names.allSatisfy { $0.hasPrefix(prefix) && $0.utf8.count > prefix.utf8.count }
    }
}
