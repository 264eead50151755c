import Testing
import ZooCheckpoints
import ZooTensors
import ZooTestSupport

/// What training scripts store beside weights, written by the installed PyTorch with every protocol of the pickle:
/// known objects become plain values, unknown ones are named, and neither is ever an error.
@Suite(.enabled(if: Python.isInstalled)) struct PyTorchExtrasTests {
    private static let script = """
        import argparse, collections, datetime, decimal, enum, fractions, pathlib, sys
        import numpy as np, torch
        class Color(enum.Enum):
            RED = "red"
        class Note:
            def __init__(self): self.text = "kept"
        class Called:
            def __reduce__(self): return (Called, ("made", 3))
            def __init__(self, *_): pass
        linear = torch.nn.Linear(2, 1)
        value = {
            "state_dict": linear.state_dict(), "epoch": 4,
            "args": argparse.Namespace(lr=0.5, out=pathlib.PurePosixPath("/runs/a")),
            "where": pathlib.PurePosixPath("a/b"), "windows": pathlib.PureWindowsPath("c:/x/y"),
            "when": datetime.datetime(2024, 2, 3, 4, 5, 6, 70), "day": datetime.date(2023, 12, 31),
            "hour": datetime.time(1, 2, 3), "took": datetime.timedelta(days=1, seconds=30),
            "best": np.float64(0.875), "half": np.float16(0.5), "count": np.int64(-7), "flag": np.bool_(True),
            "array": np.arange(6, dtype=np.int32).reshape(2, 3), "large": np.zeros(1000, np.float32),
            "counter": collections.Counter("aab"), "deque": collections.deque([1, 2], maxlen=9),
            "nested": collections.defaultdict(list, a=[1]), "color": Color.RED, "size": torch.Size([2, 3]),
            "dtype": torch.float16, "device": torch.device("cuda", 1), "complex": 1 + 2j,
            "price": decimal.Decimal("1.50"), "third": fractions.Fraction(1, 3), "members": {7},
            "raw": b"12345", "long": 2**70, "note": Note(), "called": Called(),
        }
        inside = dict(linear.state_dict())
        inside.update(extra_state=Note(), mode=Color.RED, best=np.float32(0.25), where=pathlib.PurePosixPath("p"))
        for protocol in [2, 3, 4, 5]:
            torch.save(value, f"{sys.argv[1]}/extras-{protocol}.pth", pickle_protocol=protocol)
            torch.save(inside, f"{sys.argv[1]}/inside-{protocol}.pth", pickle_protocol=protocol)
        """

    @Test func extrasOfEveryKind() throws {
        let folder = try TemporaryFolder()
        let (output, status) = try Python.run(Self.script, [folder.path])
        try #require(status == 0, "\(output)")
        let plain: [(String, JSONValue)] = [
            ("epoch", 4), ("where", "a/b"), ("windows", "c:\\x\\y"), ("when", "2024-02-03T04:05:06.000070"),
            ("day", "2023-12-31"), ("hour", "01:02:03"), ("took", "1 days, 30.000000 seconds"),
            ("best", 0.875), ("half", 0.5), ("count", -7), ("flag", true), ("counter", ["a": 2, "b": 1]),
            ("deque", [1, 2]), ("nested", ["a": [1]]), ("size", [2, 3]), ("dtype", "torch.float16"),
            ("device", "cuda:1"), ("complex", ["real": 1.0, "imaginary": 2.0]), ("price", "1.50"),
            ("third", "1/3"), ("members", [7]), ("long", "0x400000000000000000"),
        ]
        for version in 2...5 {
            let checkpoint = try CheckpointReader.read(path: folder.file("extras-\(version).pth"))
            #expect(checkpoint.tensors.map(\.name) == ["weight", "bias"])
            let extras = checkpoint.extras
            for (name, wanted) in plain {
                #expect(
                    extras[name] == wanted,
                    "protocol \(version), \(name): \(String(describing: extras[name]))")
            }
            #expect(extras["args"]?["attributes"]?["lr"] == 0.5)
            #expect(extras["args"]?["attributes"]?["out"] == "/runs/a")
            #expect(extras["array"]?["values"] == [0, 1, 2, 3, 4, 5] && extras["array"]?["shape"] == [2, 3])
            #expect(extras["large"]?["shape"] == [1000] && extras["large"]?["values"] == nil)
            #expect(extras["color"]?["class"] == "__main__.Color" && extras["color"]?["arguments"] == ["red"])
            #expect(extras["note"]?["class"] == "__main__.Note" && extras["note"]?["opaque"] == true)
            #expect(extras["note"]?["attributes"]?["text"] == "kept")
            #expect(extras["called"]?["arguments"] == ["made", 3])
            #expect(checkpoint.notes.contains { $0.contains("__main__.Note") && !$0.contains("numpy") })

            let inside = try CheckpointReader.read(path: folder.file("inside-\(version).pth"))
            #expect(inside.tensors.map(\.name) == ["weight", "bias"])
            #expect(inside.extras["best"] == 0.25 && inside.extras["where"] == "p")
            #expect(inside.extras["extra_state"]?["class"] == "__main__.Note")
            #expect(inside.extras["mode"]?["class"] == "__main__.Color")
        }
    }
}
