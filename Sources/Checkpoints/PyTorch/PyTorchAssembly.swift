internal import ZooContainers
internal import ZooTensors

/// Makes a checkpoint out of a pickle and a table of storages.
struct PyTorchAssembly {
    let document: PickleDocument
    let table: PyTorchStorageTable
    let format: CheckpointFormat
    let path: String?
    let options: CheckpointReadOptions
    /// Other pickles of the file, which hold no tensors.
    var otherDocuments: [PickleDocument] = []
    var notes: [String] = []
    /// Tensors that persistent ids stand for, in the tar format.
    var tensors: [String: PyTorchTensor] = [:]

    init(
        document: PickleDocument, table: PyTorchStorageTable, format: CheckpointFormat, path: String?,
        options: CheckpointReadOptions
    ) {
        self.document = document
        self.table = table
        self.format = format
        self.path = path
        self.options = options
    }

    func checkpoint() throws(ZooError) -> Checkpoint {
        let audit = PickleAudit([document] + otherDocuments)
        do throws(ZooError) {
            return try checkpoint(audit)
        } catch {
            throw error.adding(warning: audit.warnings.first)
        }
    }

    private func checkpoint(_ audit: PickleAudit) throws(ZooError) -> Checkpoint {
        var notes = notes + audit.notes
        if options.joinsNestedNames {
            var extras = JSONObject()
            let entries = try nestedEntries(notes: &notes, extras: &extras)
            guard !entries.isEmpty else { throw noTensors() }
            return try Checkpoint(
                format: format, path: path, tensors: try describe(entries, notes: &notes), extras: extras,
                notes: notes, warnings: audit.warnings)
        }
        let search = StateDictSearch(document)
        let (chosen, chosenPath) = try choose(search)
        if !chosenPath.isEmpty { notes.append("took the entries under \(quoted(chosenPath))") }
        var extras = JSONObject()
        var pickleExtras = PickleExtras(document)
        if chosen != document.root {
            addSiblings(of: chosenPath, search: search, to: &extras, &pickleExtras)
        }
        var entries: [(name: String, value: PickleReference)]
        if PickledModules.isModule(document, chosen) {
            let modules = try PickledModules(document, root: chosen, limits: options.limits)
            entries = modules.entries
            extras["modules"] = .object(modules.hyperparameters)
        } else if PyTorchTensor.isTensor(document, chosen) {
            entries = [("tensor", chosen)]
        } else {
            entries = try tensorEntries(of: chosen, extras: &extras, &pickleExtras)
            addMetadata(of: chosen, to: &extras, &pickleExtras)
        }
        guard !entries.isEmpty else { throw noTensors() }
        let described = try describe(entries, notes: &notes)
        return try Checkpoint(
            format: format, path: path, tensors: described, extras: extras, notes: notes,
            warnings: audit.warnings)
    }

    // MARK: Choosing

    func choose(_ search: StateDictSearch) throws(ZooError) -> (PickleReference, String) {
        if let key = options.key, !key.isEmpty {
            guard let reference = StateDictSearch.resolve(key, in: document) else {
                let named = search.candidates.filter { !$0.path.isEmpty }
                throw ZooError(
                    .invalidArgument, "the file has nothing under the key \(quoted(key))",
                    expected: named.isEmpty ? nil : "one of \(listed(named))",
                    remedy: named.isEmpty
                        ? "Leave the key (--key) out: there is nothing to choose from."
                        : "Give one of these to --key.")
            }
            return (reference, key)
        }
        guard let first = search.candidates.first else { throw noTensors() }
        guard search.candidates.count == 1 else {
            throw ZooError(
                .ambiguous, "the file has several state dicts", found: listed(search.candidates),
                remedy: "Choose one by its key (--key).")
        }
        return (first.reference, first.path)
    }

    private func listed(_ candidates: [StateDictSearch.Candidate]) -> String {
        let names = candidates.prefix(20).map { quoted($0.path) }
        return names.joined(separator: ", ") + (candidates.count > 20 ? ", …" : "")
    }

    private func noTensors() -> ZooError {
        ZooError(
            .missingTensor, "the file has no tensors that belong to a network",
            byteOffset: document.byteOffset(document.root),
            remedy: format == .pytorchZip
                ? "A frozen TorchScript archive has lost its names; use the original checkpoint." : nil)
    }

    // MARK: Extras

    /// What stands beside the chosen state dict at the root.
    private func addSiblings(
        of path: String, search: StateDictSearch, to extras: inout JSONObject,
        _ pickleExtras: inout PickleExtras
    ) {
        let others = Set(search.candidates.map(\.reference))
        for item in document.namedItems(document.root) ?? [] {
            guard path != item.name, !path.hasPrefix(item.name + ".") else { continue }
            let isSkipped = StateDictSearch.isTrainingState(item.name) || others.contains(item.value)
            extras[item.name] = isSkipped ? PickleExtras.opaque("dict") : pickleExtras.json(item.value)
        }
    }

    /// `state_dict()._metadata`: the version of each module, which BUILD puts on the dictionary.
    func addMetadata(
        of reference: PickleReference, to extras: inout JSONObject, _ pickleExtras: inout PickleExtras
    ) {
        guard let object = document.object(reference), let state = document.attributes(object),
            let metadata = document.item("_metadata", of: state)
        else { return }
        extras["_metadata"] = pickleExtras.json(metadata)
    }

    // MARK: Entries

    /// The tensors of a state dict. Plain values beside them go to the extras; what only code could turn into a
    /// tensor is an error.
    private func tensorEntries(
        of reference: PickleReference, extras: inout JSONObject, _ pickleExtras: inout PickleExtras
    ) throws(ZooError) -> [(name: String, value: PickleReference)] {
        var entries: [(name: String, value: PickleReference)] = []
        try refuseLongNames(reference)
        let items =
            document.namedItems(reference)
            ?? (document.elements(reference) ?? []).enumerated().map { (String($0.offset), $0.element) }
        var dependence = PickleDependence(document)
        for item in items {
            if PyTorchTensor.isTensor(document, item.value) {
                entries.append(item)
                continue
            }
            if StateDictSearch.isTrainingState(item.name) {
                extras[item.name] = PickleExtras.opaque("dict")
                continue
            }
            try refuseHiddenTensor(item, &dependence)
            extras[item.name] = pickleExtras.json(item.value)
        }
        return entries
    }

    /// The entry of a tensor of a kind that isn't read, such as a sparse one: it is listed, and asking for its numbers
    /// is the error.
    private func unreadable(
        _ reference: PickleReference, named name: String, because reason: ZooError
    ) -> CheckpointTensor {
        let kind = document.object(reference).flatMap { document.className(of: $0) }?.name ?? "tensor"
        let reason = reason.adding(file: path, byteOffset: document.byteOffset(reference))
        let shape = PyTorchTensor.sparseShape(document, reference) ?? TensorShape([])
        return CheckpointTensor(
            name: name, elementType: .u8, shape: shape,
            typeName: kind == "_rebuild_sparse_tensor" ? "sparse" : kind
        ) { () throws(ZooError) in throw reason }
    }

    private func refuseLongNames(_ reference: PickleReference) throws(ZooError) {
        for entry in document.items(reference) ?? [] {
            guard let name = document.text(entry.key), name.utf8.count > PickleDocument.longestName else {
                continue
            }
            throw ZooError(
                .limitExceeded, "a key is longer than \(PickleDocument.longestName) bytes",
                byteOffset: document.byteOffset(entry.key), found: "\(name.utf8.count)")
        }
    }

    private func tensor(_ reference: PickleReference) throws(ZooError) -> PyTorchTensor {
        guard let key = PyTorchTensor.tarKey(document, reference) else {
            return try PyTorchTensor(document, reference)
        }
        guard let tensor = tensors[key] else {
            throw ZooError(
                .corrupt, "the tensor \(quoted(key)) isn't in the file",
                byteOffset: document.byteOffset(reference), remedy: "Get the file again.")
        }
        return tensor
    }

    /// An entry that only running code could turn into a tensor is an error; an object of an unknown class that has
    /// nothing to do with tensors is just something else that was stored.
    private func refuseHiddenTensor(
        _ item: (name: String, value: PickleReference), _ dependence: inout PickleDependence
    ) throws(ZooError) {
        if let object = document.object(item.value), document.items(item.value) == nil,
            dependence.mayHideTensor(item.value)
        {
            let name = document.className(of: object)?.description ?? "something that isn't a class"
            throw ZooError(
                .unsupported, "the entry needs \(quoted(name)), which isn't run", file: path,
                byteOffset: document.byteOffset(item.value), tensor: item.name, expected: "a tensor",
                remedy: "Load the file where that code is at home, and save a plain state dict.")
        }
        if let elements = document.elements(item.value),
            elements.contains(where: { PyTorchTensor.isTensor(document, $0) })
        {
            throw ZooError(
                .unsupported, "the entry is a group of tensors, as quantized layers have", file: path,
                byteOffset: document.byteOffset(item.value), tensor: item.name, expected: "a tensor",
                remedy: "Save the state dict of the network before quantization.")
        }
    }

    private func describe(
        _ entries: [(name: String, value: PickleReference)], notes: inout [String]
    ) throws(ZooError) -> [CheckpointTensor] {
        guard entries.count <= options.limits.entryCount else {
            throw ZooError(.limitExceeded, "the file has more than \(options.limits.entryCount) tensors")
        }
        var entries = entries
        // torch.optim.swa_utils.AveragedModel counts its updates beside `module.…`.
        if !options.keepPrefixes, entries.count > 1,
            let place = entries.firstIndex(where: { $0.name == "n_averaged" }),
            entries.allSatisfy({ $0.name == "n_averaged" || $0.name.hasPrefix("module.") })
        {
            entries.remove(at: place)
            notes.append("left out n_averaged, the counter of an averaged model")
        }
        var names = entries.map(\.name)
        if !options.keepPrefixes {
            let stripping = PrefixStripping(names)
            names = stripping.names
            if let note = stripping.note { notes.append(note) }
        }
        var tensors: [CheckpointTensor] = []
        tensors.reserveCapacity(entries.count)
        var byteCount = 0
        for (entry, name) in zip(entries, names) {
            do throws(ZooError) {
                let tensor: PyTorchTensor
                do throws(ZooError) {
                    tensor = try self.tensor(entry.value)
                } catch {
                    guard PyTorchTensor.isOfUnreadKind(document, entry.value) else { throw error }
                    tensors.append(unreadable(entry.value, named: name, because: error))
                    continue
                }
                byteCount = try Checked.sum(
                    byteCount, try Checked.product(tensor.shape.elementCount, tensor.type.byteCount))
                guard byteCount <= options.limits.tensorBytes else {
                    throw ZooError(
                        .limitExceeded,
                        "the tensors together have more than \(options.limits.tensorBytes) bytes")
                }
                tensors.append(try tensor.entry(named: name, in: table, path: path, options: options))
            } catch {
                throw error.adding(file: path, tensor: entry.name)
            }
        }
        return tensors
    }
}
