import ZooLayerGraphs
import ZooTensors

extension Preprocessing {
    /// What a KerasHub preset's `image_converter.json` does to pictures: resize them, then times `scale` and plus
    /// `offset` for each channel.
    /// - Returns: `nil` for a document that says something else.
    init?(kerasHub json: JSONValue?) {
        guard let config = json?["config"],
            let size = config["image_size"]?.intArrayValue, size.count == 2,
            size.allSatisfy({ (1...4_096).contains($0) }),
            config["pad_to_aspect_ratio"]?.boolValue != true
        else { return nil }
        func numbers(_ key: String, _ usual: Double) -> [Double]? {
            guard let value = config[key], value != .null else { return [usual, usual, usual] }
            if let number = value.doubleValue { return [number, number, number] }
            let list = value.arrayValue?.compactMap(\.doubleValue) ?? []
            return list.count == 3 ? list : nil
        }
        guard let scale = numbers("scale", 1), let offset = numbers("offset", 0),
            scale.allSatisfy({ $0 > 0 && $0.isFinite }), offset.allSatisfy(\.isFinite)
        else { return nil }
        self.init(
            channels: .rgb,
            interpolation: config["interpolation"]?.stringValue == "bicubic" ? .bicubic : .bilinear,
            scale: 1, mean: zip(offset, scale).map { -$0 / $1 }, standardDeviation: scale.map { 1 / $0 })
        if config["crop_to_aspect_ratio"]?.boolValue == true, size[0] == size[1] {
            shorterSide = size[0]
            crop = Extent(size[0])
        } else {
            resize = Extent(size[0], size[1])
        }
    }
}
