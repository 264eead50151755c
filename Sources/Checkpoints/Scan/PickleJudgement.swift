internal import ZooContainers

/// What importing or calling something by its name could do.
public enum PickleJudgement: String, Sendable, Hashable, Comparable, CaseIterable {
    /// Known, and does no more than make a value.
    case harmless
    /// Not known: loading the file would run code that only its author knows.
    case unknown
    /// Runs programs or code, reads or writes files, or unpickles something else.
    case dangerous

    /// From harmless to dangerous.
    public static func < (left: PickleJudgement, right: PickleJudgement) -> Bool {
        left.rank < right.rank
    }

    private var rank: Int {
        switch self {
        case .harmless: 0
        case .unknown: 1
        case .dangerous: 2
        }
    }
}

extension PickleJudgement {
    /// Judges a name; what isn't on a list is unknown.
    init(_ name: PickleGlobal) {
        let parts = name.name.split(separator: ".")
        if dangerousNames.contains(name.description) || PickleAudit.isDangerous(name)
            || name.module == PickleGlobal.computed || name.name == PickleGlobal.computed
            || (parts.count > 1 && parts.contains { dangerousParts.contains(String($0)) })
        {
            self = .dangerous
        } else if KnownObjects.isKnown(name) || harmlessNames.contains(name.description)
            || PyTorchType(storageClass: name) != nil || PickleJudgement.isHarmlessClass(name)
            || PickleAudit.isHarmlessBuiltin(name)
        {
            self = .harmless
        } else {
            self = .unknown
        }
    }

    /// PyTorch's own layers and optimizers, and the classes of a TorchScript archive, which are names in its own
    /// language.
    private static func isHarmlessClass(_ name: PickleGlobal) -> Bool {
        guard !name.name.contains("."), !name.name.hasPrefix("_") else { return false }
        if name.module == "__torch__" || name.module.hasPrefix("__torch__.") { return true }
        let isClass = name.name.first?.isUppercase == true
        return isClass
            && (name.module.hasPrefix("torch.nn.modules.") || name.module.hasPrefix("torch.optim.")
                || name.module.hasPrefix("torch.nn.quantized.modules.")
                || name.module.hasPrefix("torch.ao.nn.") || name.module.hasPrefix("torchvision.models."))
    }
}

private let harmlessNames: Set<String> = [
    "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state",
    "torch._utils._rebuild_qtensor", "torch._utils._rebuild_sparse_tensor",
    "torch._utils._rebuild_meta_tensor_no_storage", "torch._utils._rebuild_device_tensor_from_numpy",
    "torch._utils._rebuild_wrapper_subclass", "torch._tensor._rebuild_from_type_v2", "torch.Tensor",
    "torch.nn.parameter.Parameter", "torch.nn.parameter.Buffer", "torch.storage.TypedStorage",
    "torch.storage.UntypedStorage", "torch.per_tensor_affine", "torch.per_channel_affine",
    "torch.per_tensor_symmetric", "torch.per_channel_symmetric", "torch.FloatTensor", "torch.DoubleTensor",
    "torch.HalfTensor", "torch.LongTensor", "torch.IntTensor", "torch.ShortTensor", "torch.CharTensor",
    "torch.ByteTensor", "torch.jit._pickle.build_intlist", "torch.jit._pickle.build_tensorlist",
    "torch.jit._pickle.build_doublelist", "torch.jit._pickle.build_boollist",
    "torch.jit._pickle.build_tensor_from_id", "torch.jit._pickle.restore_type_tag",
    "copyreg._reconstructor", "copy_reg._reconstructor", "copyreg.__newobj__",
]

/// Functions of packages that are harmless as a whole, which run, read, write or unpickle.
private let dangerousNames: Set<String> = [
    "torch.load", "torch.save", "torch.jit.load", "torch.hub.load", "torch.hub.load_state_dict_from_url",
    "torch.hub.download_url_to_file", "torch.ops.load_library", "torch.classes.load_library",
    "torch.serialization.load", "torch.storage._load_from_bytes", "torch.utils.cpp_extension.load",
    "torch.utils.cpp_extension.load_inline", "torch.utils.model_zoo.load_url", "torch.utils.collect_env.run",
    "numpy.load", "numpy.save", "numpy.loadtxt", "numpy.fromfile", "numpy.memmap",
    "numpy.testing._private.utils.runstring", "functools.reduce", "functools.partial",
    "_functools.reduce", "_functools.partial", "functools.partialmethod", "pandas.read_pickle", "pandas.eval",
    "joblib.load", "doctest.debug_script",
]

/// Parts of a dotted name that lead from a harmless module to a harmful one: `torch.serialization` and `os.system`.
private let dangerousParts: Set<String> = [
    "os", "posix", "nt", "sys", "subprocess", "system", "popen", "eval", "exec", "execfile", "compile",
    "__import__", "getattr", "setattr", "globals", "builtins", "__builtins__", "__globals__",
    "__subclasses__",
    "__reduce__", "__getattribute__", "importlib", "import_module", "shutil", "socket", "pickle", "loads",
    "runpy", "ctypes", "open", "code", "pty", "spawn",
]
