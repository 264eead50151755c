"""The list that samples are put on, each with what has to come of it."""

SAMPLES = {}

W = {"w": "f32 [2, 2]"}


def reads(tensors=None, warns=None):
    """The file reads: these tensors, by name; all of them load. `warns` is a part of the warning."""
    outcome = {"tensors": W if tensors is None else tensors}
    if warns:
        outcome["warns"] = warns
    return outcome


def fails(code, says, lists=False):
    """The file is refused, with this code and a message with this part; with `lists`, only when numbers are read."""
    assert says, code
    return {"error": code, "says": says, "lists": lists}


# Whether it reads depends on what Keras layers are known: it may, and may not.
EITHER = {}


CLEAN = {"exit": 0, "finds": []}
UNREADABLE = {"exit": 1, "finds": []}


def finds(*parts):
    """The scan ends with 2; each part stands in one of its findings."""
    return {"exit": 2, "finds": list(parts)}


def sample(file, what, content, read, scan, runs=None):
    """Puts a sample on the list. `runs` names the loader that really makes the call: torch, pickle, numpy, keras.
    A content of None says that the file lies elsewhere in the repository: `file` is its path."""
    assert file not in SAMPLES, file
    SAMPLES[file] = {"what": what, "content": content, "read": read, "scan": scan, "runs": runs}
