package import ZooTensors

/// A reader under test: files to begin with, a way to damage them, and what is done with each variant.
package struct FuzzTarget: Sendable {
    /// Its name on the command line.
    package let name: String
    let seeds: @Sendable () throws -> [Seed]
    let body: @Sendable ([UInt8]) throws(ZooError) -> Void

    /// A file to begin with, and what makes variants of it.
    struct Seed {
        let bytes: [UInt8]
        let mutator: any Mutator

        init(_ bytes: [UInt8], _ mutator: any Mutator) {
            self.bytes = bytes
            self.mutator = mutator
        }
    }

    init(
        _ name: String, seeds: @escaping @Sendable () throws -> [Seed],
        body: @escaping @Sendable ([UInt8]) throws(ZooError) -> Void
    ) {
        self.name = name
        self.seeds = seeds
        self.body = body
    }

    /// All targets.
    package static let all = [
        pytorchZip, torchScript, torchExport, pytorchStream, pytorchTar, safetensors, shards, native, npz,
        npy, gzip, hdf5Table, keras, kerasNetwork, hdf5, kerasArchive, kerasShards,
    ]

    /// Names of those that start a process for each variant, or several.
    package static let starting: Set = ["hdf5", "keras-archive", "keras-shards"]

    /// The target with a name.
    package static func named(_ name: String) -> FuzzTarget? {
        (all + [misbehaviour]).first { $0.name == name }
    }

    /// The files that variants are made of.
    package func loaded() throws -> Loaded {
        let seeds = try seeds()
        let sound = seeds.filter { seed in (try? body(seed.bytes)) != nil }
        guard !sound.isEmpty else { throw ZooError(.missingTensor, "no seed of \(name) can be read") }
        return Loaded(seeds: seeds, sound: sound, body: body)
    }

    /// A target with its files in memory.
    package struct Loaded {
        fileprivate let seeds: [Seed]
        /// Those that are read without an error: damage to others often isn't reached.
        fileprivate let sound: [Seed]
        fileprivate let body: @Sendable ([UInt8]) throws(ZooError) -> Void

        /// The files as they are.
        package var files: [[UInt8]] { seeds.map(\.bytes) }

        /// A variant; seed and number say which.
        package func variant(seed: UInt64, number: Int) -> [UInt8] {
            var random = FuzzRandom(seed: seed, number: number)
            return random.pick(random.once(in: 4) ? seeds : sound).mutator.mutated(&random)
        }

        /// Reads a file.
        /// - Throws: ``ZooError`` when it is refused.
        package func read(_ bytes: [UInt8]) throws(ZooError) { try body(bytes) }
    }
}
