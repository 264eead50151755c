/// The pickle opcodes of protocols 0 to 5, named as in Python's `pickletools`.
enum PickleOpcode: UInt8 {
    case mark = 0x28  // (
    case emptyTuple = 0x29  // )
    case stop = 0x2E  // .
    case pop = 0x30  // 0
    case popMark = 0x31  // 1
    case dup = 0x32  // 2
    case binBytes = 0x42  // B
    case shortBinBytes = 0x43  // C
    case float = 0x46  // F
    case binFloat = 0x47  // G
    case int = 0x49  // I
    case binInt = 0x4A  // J
    case binInt1 = 0x4B  // K
    case long = 0x4C  // L
    case binInt2 = 0x4D  // M
    case none = 0x4E  // N
    case persid = 0x50  // P
    case binPersid = 0x51  // Q
    case reduce = 0x52  // R
    case string = 0x53  // S
    case binString = 0x54  // T
    case shortBinString = 0x55  // U
    case unicode = 0x56  // V
    case binUnicode = 0x58  // X
    case emptyList = 0x5D  // ]
    case append = 0x61  // a
    case build = 0x62  // b
    case global = 0x63  // c
    case dict = 0x64  // d
    case appends = 0x65  // e
    case get = 0x67  // g
    case binGet = 0x68  // h
    case inst = 0x69  // i
    case longBinGet = 0x6A  // j
    case list = 0x6C  // l
    case obj = 0x6F  // o
    case put = 0x70  // p
    case binPut = 0x71  // q
    case longBinPut = 0x72  // r
    case setItem = 0x73  // s
    case tuple = 0x74  // t
    case setItems = 0x75  // u
    case emptyDict = 0x7D  // }
    case proto = 0x80
    case newObj = 0x81
    case ext1 = 0x82
    case ext2 = 0x83
    case ext4 = 0x84
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long1 = 0x8A
    case long4 = 0x8B
    case shortBinUnicode = 0x8C
    case binUnicode8 = 0x8D
    case binBytes8 = 0x8E
    case emptySet = 0x8F
    case addItems = 0x90
    case frozenSet = 0x91
    case newObjEx = 0x92
    case stackGlobal = 0x93
    case memoize = 0x94
    case frame = 0x95
    case byteArray8 = 0x96
    case nextBuffer = 0x97
    case readOnlyBuffer = 0x98

    /// Why an opcode is refused, for those that are.
    var refusal: String? {
        switch self {
        case .float: "the text opcode FLOAT of protocol 0"
        case .int: "the text opcode INT of protocol 0"
        case .long: "the text opcode LONG of protocol 0"
        case .persid: "the text opcode PERSID of protocol 0"
        case .string: "the text opcode STRING of protocol 0"
        case .unicode: "the text opcode UNICODE of protocol 0"
        case .get: "the text opcode GET of protocol 0"
        case .put: "the text opcode PUT of protocol 0"
        case .inst: "the text opcode INST of protocol 0"
        case .ext1: "the opcode EXT1, a reference to a registry outside the file"
        case .ext2: "the opcode EXT2, a reference to a registry outside the file"
        case .ext4: "the opcode EXT4, a reference to a registry outside the file"
        case .nextBuffer: "the opcode NEXT_BUFFER, a reference to a buffer outside the file"
        case .readOnlyBuffer: "the opcode READONLY_BUFFER, a reference to a buffer outside the file"
        default: nil
        }
    }

    /// Whether an opcode that readers refuse is carried out where a pickle is only judged.
    var isUnderstoodForJudging: Bool { self != .nextBuffer && self != .readOnlyBuffer }
}
