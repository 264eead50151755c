package import ZooTensors

/// What an HDF5 file holds: groups, datasets and attributes, and where in the file each dataset's bytes are. Made
/// by libhdf5, checked against the file and the limits before anyone sees it.
package struct HDF5Index: Sendable {
    /// The file, for reading the blocks.
    package let source: ByteSource
    /// Every object; parents before children, siblings by name.
    package let objects: [HDF5Object]
    private let positions: [String: Int]

    /// - Throws: ``ZooError`` when two objects have the same path.
    init(source: ByteSource, objects: [HDF5Object]) throws(ZooError) {
        var positions: [String: Int] = [:]
        for (position, object) in objects.enumerated() {
            guard positions.updateValue(position, forKey: object.path) == nil else {
                throw ZooError(.corrupt, "two objects in the file have the same path, \(object.path)")
            }
        }
        self.source = source
        self.objects = objects
        self.positions = positions
    }

    /// The object at an absolute path; the root is "".
    package subscript(path: String) -> HDF5Object? { positions[path].map { objects[$0] } }
}

/// A group, a dataset or a named type, with its attributes.
package struct HDF5Object: Sendable {
    /// What kind of object it is.
    package enum Kind: Sendable {
        case group
        case dataset(HDF5Dataset)
        case namedType
    }

    /// Absolute path with a leading slash; the root's is empty.
    package let path: String
    /// Its kind.
    package let kind: Kind
    /// Its attributes, by name.
    package internal(set) var attributes: [HDF5Attribute]

    /// The dataset, if it is one.
    package var dataset: HDF5Dataset? { if case .dataset(let dataset) = kind { dataset } else { nil } }

    /// Whether it is a group.
    package var isGroup: Bool { if case .group = kind { true } else { false } }

    /// The value of an attribute.
    package subscript(attribute name: String) -> HDF5Attribute? { attributes.first { $0.name == name } }
}

/// An attribute's name and value.
package struct HDF5Attribute: Sendable, Hashable {
    /// The values in row-major order; `none` for types that aren't read.
    package enum Value: Sendable, Hashable {
        case none
        case strings([String])
        case integers([Int64])
        case floats([Double])
    }

    /// Its name.
    package let name: String
    /// Number of axes; 0 for a single value.
    package let rank: Int
    /// Its values.
    package let value: Value

    /// The text, when this is a single string.
    package var string: String? {
        if case .strings(let values) = value, rank == 0 { values.first } else { nil }
    }

    /// The strings, when this is a list of strings, or an empty list of any type (Keras writes an empty list as
    /// float64).
    package var stringList: [String]? {
        switch value {
        case .strings(let values) where rank == 1: values
        case .floats([]), .integers([]): []
        default: nil
        }
    }
}

/// A dataset's type, shape and storage.
package struct HDF5Dataset: Sendable {
    /// Type of the elements in the file.
    package let type: HDF5DatasetType
    /// Extents; `nil` for a null dataspace, which holds no value.
    package let shape: TensorShape?
    /// Where the bytes are.
    package let storage: HDF5Storage
}

/// Where a dataset's bytes are.
package enum HDF5Storage: Sendable {
    /// Not looked up, because the type can't become a tensor.
    case none
    /// Inside an object header; these are the bytes.
    case compact([UInt8])
    /// One run of bytes, `nil` when nothing was ever written; then every element is the fill value (empty: zero).
    case contiguous(HDF5Block?, fill: [UInt8])
    /// Chunks, each run through filters.
    case chunked(HDF5Chunks)
}

/// A run of bytes in the file.
package struct HDF5Block: Sendable, Hashable {
    /// First byte.
    package let offset: Int
    /// Number of bytes.
    package let byteCount: Int
}

/// A chunked dataset's storage.
package struct HDF5Chunks: Sendable {
    /// Extents of every chunk, also of those that reach over the edge.
    package let extents: [Int]
    /// Whether chunks that reach over the edge are stored without filters.
    package let skipsFiltersAtEdge: Bool
    /// Filters in the order in which writing applied them.
    package let filters: [HDF5Filter]
    /// The chunks that were written.
    package let chunks: [HDF5Chunk]
    /// The value of elements in chunks that weren't, in the file's type; empty for zero.
    package let fill: [UInt8]
}

/// One chunk.
package struct HDF5Chunk: Sendable {
    /// Index of its first element along each axis.
    package let position: [Int]
    /// Where its stored bytes are.
    package let block: HDF5Block
    /// Bit i set: filter i was skipped for this chunk.
    package let filterMask: UInt32
}

/// A filter of the pipeline.
package struct HDF5Filter: Sendable, Hashable {
    /// The registered number: 1 deflate, 2 shuffle, 3 fletcher32.
    package let identifier: Int
    /// Its parameters.
    package let parameters: [Int]
    /// Its name in the file, often empty.
    package let name: String
}
