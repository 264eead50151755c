"""Every known way to smuggle a call into a pickle, and every place in a checkpoint where one fits."""

import struct

import files as f
from corpus import CLEAN, UNREADABLE, fails, finds, reads, sample
from files import CALL, COMMAND, SYSTEM, Member, beside, call, dict_of, list_of, name, number, pytorch, text, tuple_of

RAN = finds("calls os.system, which can run anything")
HOOK = text("hook")


def short(value):
    """SHORT_BINUNICODE."""
    raw = value.encode()
    return b"\x8c" + bytes([len(raw)]) + raw


def stack_global(module, what):
    return short(module) + short(what) + b"\x93"


def beside_call(file, what, body, scan, runs="torch", protocol=2, read=None):
    """A checkpoint with its weights and the call beside them: the weights are read, the call is named."""
    sample(file, what, pytorch(beside((HOOK, body)), protocol=protocol), read or reads(), scan, runs)


warned = reads(warns="calls os.system")

# Opcodes that call

beside_call("reduce.pth", "REDUCE", CALL, RAN, read=warned)
sample("reduce-entry.pth", "REDUCE as an entry of the state dict", pytorch(f.weights((HOOK, CALL))),
       fails("unsupported", "os.system"), RAN, "torch")
beside_call("obj.pth", "OBJ", b"(" + SYSTEM + text(COMMAND) + b"o", RAN, read=warned)
sample("inst.pth", "INST, of protocol 0", pytorch(beside((HOOK, b"(" + text(COMMAND) + b"ios\nsystem\n"))),
       fails("unsupported", "INST"), RAN, "torch")
partial = name("functools", "partial")
beside_call("newobj.pth", "NEWOBJ makes a functools.partial, REDUCE calls it",
            partial + tuple_of(SYSTEM, text(COMMAND)) + b"\x81)R", finds("functools.partial", "os.system"))
beside_call("newobj-ex.pth", "NEWOBJ_EX makes a functools.partial, REDUCE calls it",
            partial + tuple_of(SYSTEM, text(COMMAND)) + b"}\x92)R", finds("functools.partial", "os.system"), protocol=4)
beside_call("setstate.pth", "BUILD gives an object a __setstate__, the next BUILD calls it",
            name("argparse", "Namespace") + b")\x81" + dict_of((text("__setstate__"), SYSTEM)) + b"b" + text(COMMAND)
            + b"b", finds("imports os.system"))
beside_call("build-on-class.pth", "BUILD changes a class that PyTorch uses",
            name("torch.nn.modules.linear", "Linear") + tuple_of(b"N", dict_of((text("forward"), SYSTEM))) + b"b",
            finds("imports os.system", "sets attributes of torch.nn.modules.linear.Linear"), runs=None, read=fails("corrupt", "sets attributes"))
for width, argument in ((1, b"\x82\1"), (2, b"\x83\1\0"), (4, b"\x84\1\0\0\0")):
    sample(f"ext{width}.pth", f"EXT{width}, a class out of copyreg's registry",
           pytorch(beside((HOOK, call(argument, text(COMMAND))))), fails("unsupported", f"EXT{width}"),
           finds("copyreg._extension_registry"))

# Names in disguise

memoized = short("os") + b"\x940" + short("system") + b"\x940"
beside_call("stack-global.pth", "STACK_GLOBAL", call(stack_global("os", "system"), text(COMMAND)), RAN, protocol=4,
            read=warned)
sample("memoized-names.pth", "STACK_GLOBAL takes module and name out of the memo",
       pytorch(memoized + beside((HOOK, call(b"h\0h\1\x93", text(COMMAND)))), protocol=4), warned, RAN, "torch")
beside_call("dotted-name.pth", "a dotted name leads out of a harmless module",
            call(stack_global("torch.serialization", "os.system"), text(COMMAND)),
            finds("torch.serialization.os.system, which can run anything"), protocol=4)
beside_call("dotted-builtins.pth", "a dotted name leads through a class's globals",
            call(stack_global("collections", "namedtuple.__globals__.__getitem__"), text("_sys")),
            finds("collections.namedtuple.__globals__"), protocol=4, runs=None)
beside_call("getattr.pth", "builtins.getattr takes the function out of its module",
            call(call(name("builtins", "getattr"), call(name("importlib", "import_module"), text("os")), text("system")),
                 text(COMMAND)), finds("builtins.getattr", "importlib.import_module"))
beside_call("computed-name.pth", "the module's name is the result of a call",
            call(call(name("builtins", "str"), b"C\2os", text("ascii")) + text("system") + b"\x93", text(COMMAND)),
            finds("<computed>.system, which can run anything"), protocol=4, read=fails("corrupt", "something other than text"))
beside_call("surrogate.pth", "a text that isn't UTF-8 stands before the call, and Python takes it",
            text("\ud800") + b"0" + CALL, RAN, read=fails("corrupt", "UTF-8"))
beside_call("python2-names.pth", "the module's name is Python 2's", call(name("__builtin__", "eval"), text(
    f"__import__('os').system('{COMMAND}')")), finds("__builtin__.eval, which can run anything"))
beside_call("posix.pth", "the module that os stands for", call(name("posix", "system"), text(COMMAND)),
            finds("posix.system, which can run anything"), read=reads(warns="calls posix.system"))

# Functions that call others

beside_call("partial.pth", "functools.partial", call(call(partial, SYSTEM, text(COMMAND))),
            finds("functools.partial", "os.system"))
beside_call("functools-reduce.pth", "functools.reduce calls subprocess.Popen",
            call(name("functools", "reduce"), name("subprocess", "Popen"),
                 list_of(list_of(text("touch"), text(f.MARKER)), number(-1))),
            finds("functools.reduce, which can run anything", "subprocess.Popen"))
beside_call("map.pth", "map, and a list of its results",
            call(name("builtins", "list"), call(name("builtins", "map"), SYSTEM, list_of(text(COMMAND)))),
            finds("builtins.map, which can run anything", "imports os.system"))
beside_call("rebuild-from-type.pth", "PyTorch's own function calls what it is given",
            call(name("torch._tensor", "_rebuild_from_type_v2"), SYSTEM, name("torch", "Tensor"),
                 tuple_of(text(COMMAND)), b"N"), finds("imports os.system"))
inner = pytorch(beside((HOOK, CALL)))
as_bytes = b"B" + struct.pack("<I", len(inner)) + inner
beside_call("load-from-bytes.pth", "a checkpoint inside the pickle, which torch.storage._load_from_bytes loads",
            call(name("torch.storage", "_load_from_bytes"), as_bytes),
            finds("torch.storage._load_from_bytes, which can run anything"), protocol=4)
nested = f.pickled(CALL)
beside_call("nested-pickle.pth", "a pickle inside the pickle, which pickle.loads loads",
            call(name("_pickle", "loads"), b"C" + bytes([len(nested)]) + nested),
            finds("_pickle.loads, which can run anything"), protocol=4)
beside_call("exec.pth", "exec", call(name("builtins", "exec"), text(f"import os; os.system('{COMMAND}')")),
            finds("builtins.exec, which can run anything"))
beside_call("default-factory.pth", "a dictionary that calls when a key is missing",
            call(name("collections", "defaultdict"), SYSTEM), finds("imports os.system"), runs=None)

# What is known to lead to calls, one name for each; the scan must let none of them pass.
GADGETS = """
os.system os.popen os.execv os.spawnl os.posix_spawn os.remove os.rename posix.system nt.system subprocess.Popen
subprocess.run subprocess.call subprocess.check_output subprocess.getoutput commands.getoutput popen2.popen3
builtins.eval builtins.exec builtins.compile builtins.open builtins.getattr builtins.setattr builtins.__import__
builtins.map builtins.filter builtins.apply builtins.globals builtins.vars builtins.breakpoint builtins.input
__builtin__.eval __builtin__.execfile __builtin__.file importlib.import_module importlib.reload
importlib.machinery.SourceFileLoader runpy.run_path runpy.run_module runpy._run_code pickle.loads _pickle.loads
cPickle.loads pickle.Unpickler dill.loads cloudpickle.loads marshal.loads types.FunctionType types.CodeType
operator.attrgetter operator.methodcaller _operator.methodcaller operator.itemgetter functools.partial
functools.partialmethod functools.reduce _functools.reduce itertools.starmap code.interact
code.InteractiveInterpreter codeop.compile_command pty.spawn pdb.run bdb.Bdb cProfile.run profile.run
profile.Profile trace.Trace timeit.timeit doctest.debug_script webbrowser.open webbrowser.open_new
ctypes.CDLL ctypes.cdll.LoadLibrary _ctypes.dlopen shutil.rmtree shutil.copyfile tempfile.mkdtemp
socket.socket socket.create_connection urllib.request.urlopen urllib.request.urlretrieve urllib.urlopen
http.client.HTTPConnection ftplib.FTP requests.get smtplib.SMTP pip.main pip._internal.main
ensurepip._run_pip venv.create threading.Thread _thread.start_new_thread multiprocessing.Process
concurrent.futures.ThreadPoolExecutor asyncio.run asyncio.create_subprocess_shell signal.signal atexit.register
sys.exit sys.modules sys.settrace linecache.getlines inspect.getattr_static platform.popen idlelib.pyshell.main
idlelib.run.Executive.runcode lib2to3.pgen2.pgen.ParserGenerator lib2to3.pgen2.grammar.Grammar.loads
logging.config.listen logging.FileHandler test.support.script_helper.assert_python_ok unittest.mock.patch
zipfile.ZipFile tarfile.open gzip.open bz2.open lzma.open shelve.open dbm.open sqlite3.connect mmap.mmap io.open
io.FileIO _io.FileIO _io.open pathlib.Path.write_text pathlib.Path.unlink codecs.open fileinput.input
distutils.spawn.spawn distutils.file_util.write_file setuptools.sandbox.run_setup pkgutil.resolve_name
pydoc.locate pydoc.pipepager site.addsitedir cgitb.enable gc.get_objects weakref.finalize copyreg.add_extension
copyreg.pickle numpy.load numpy.fromfile numpy.memmap numpy.save numpy.savetxt numpy.genfromtxt
numpy.testing._private.utils.runstring numpy.f2py.crackfortran.myeval numpy.f2py.crackfortran._eval_length
numpy.distutils.exec_command.exec_command torch.load torch.save torch.hub.load torch.jit.load torch.compile
torch.ops.load_library torch.classes.load_library torch.storage._load_from_bytes torch.utils.cpp_extension.load
torch.utils.collect_env.run torch.utils.data.datapipes.utils.decoder.basichandlers torch.utils._config_module.load_config
torch.utils.bottleneck.__main__.run_cprofile torch._inductor.codecache.compile_file torch.fx.experimental.symbolic_shapes.ShapeEnv.evaluate_guards_expression
torch.distributed.rpc.rpc_sync torch.multiprocessing.spawn torch.package.PackageImporter
torch.serialization.load torch.jit.unsupported_tensor_ops.execWrapper torch._dynamo.guards.GuardBuilder.get
torch.cuda.memory._get_memory_allocator torch.onnx.utils.export pandas.read_pickle pandas.eval joblib.load
keras.models.load_model keras.utils.get_file sklearn.utils._testing.assert_run_python_script
""".split()
entries = [name(*gadget.rsplit(".", 1)) for gadget in GADGETS]
sample("gadgets.pkl", "the name of each function and class that is known to lead to a call",
       f.pickled(list_of(*entries)), fails("unsupported", "not one of torch.save"), finds(*GADGETS))

# Protocols of text

system_text = b"cos\nsystem\n"
as_text = system_text + f"(V{COMMAND}\ntR.".encode()
sample("protocol-0.pth", "a pickle of protocol 0 in the archive", pytorch(pickle=as_text),
       fails("unsupported", "text opcode UNICODE"), RAN, "torch")
sample("protocol-0.pkl", "a pickle of protocol 0, which has no signature", as_text,
       fails("unknown_format", "no known format"), RAN, "pickle")
sample("protocol-0-strings.pkl", "protocol 0 with quoted text, numbers, memo and INST",
       f"(lp0\nI42\naL7L\naF1.5\naS'it\\x27s'\nag0\na0(S'{COMMAND}'\nios\nsystem\np1\n.".encode(),
       fails("unknown_format", "no known format"), RAN, "pickle")
sample("protocol-1.pkl", "a pickle of protocol 1, which has no signature",
       system_text + b"(U" + bytes([len(COMMAND)]) + COMMAND.encode() + b"tq\0R.",
       fails("unknown_format", "no known format"), RAN, "pickle")
sample("protocol-0-stream.pth", "protocol 0 as the second pickle of the stream format", f.stream(second=as_text),
       fails("unsupported", "text opcode UNICODE"), RAN, "torch")

# Results that nobody sees

beside_call("popped.pth", "the call's result is dropped by POP", CALL + b"0N", RAN, read=warned)
beside_call("popped-mark.pth", "the call's result is dropped by POP_MARK", b"N(" + CALL + b"1", RAN, read=warned)
sample("before-weights.pth", "the call stands before the checkpoint and is dropped", pytorch(CALL + b"0" + beside()),
       warned, RAN, "torch")
sample("overwritten-key.pth", "the call is the value of a key that is set again",
       pytorch(beside((HOOK, CALL), (HOOK, b"N"))), warned, RAN, "torch")
sample("breaks-after-call.pth", "the pickle breaks off right after the call",
       pytorch(pickle=b"\x80\2" + CALL + b"\xff\xff"), fails("corrupt", "unknown opcode"), RAN, "torch")
sample("underflow-after-call.pkl", "the stack is empty right after the call", b"\x80\2" + CALL + b"00.",
       fails("unsupported", "not one of torch.save"), RAN, "pickle")
sample("only-call.pth", "nothing but the call", pytorch(CALL), fails("missing_tensor", "no tensors"), RAN, "torch")

# Places

sample("key.pth", "the call is a dictionary's key", pytorch(beside((CALL, b"N"))), warned, RAN, "torch")
sample("optimizer.pth", "the call is in the optimizer's state", pytorch(beside(
    (text("optimizer"), dict_of((text("state"), dict_of((number(0), CALL))), (text("param_groups"), b"]"))))),
       warned, RAN, "torch")
sample("metadata.pth", "the call is in the state dict's _metadata", pytorch(
    f.ORDERED + b"(" + text("w") + f.tensor() + b"u" + dict_of((text("_metadata"), CALL)) + b"b"), warned, RAN, "torch")
sample("persistent-id.pth", "the call is in a persistent id, as the storage's device",
       pytorch(dict_of((text("w"), f.tensor(place=f.storage(location=CALL))))), warned, RAN, "torch")
sample("backward-hooks.pth", "the call is a tensor's backward hooks",
       pytorch(dict_of((text("w"), f.tensor(hooks=CALL)))), warned, RAN, "torch")
sample("storage-class.pth", "the call is a storage's class", pytorch(dict_of((text("w"), f.tensor(
    place=tuple_of(text("storage"), CALL, text("0"), text("cpu"), number(4)) + b"Q")))),
       fails("unsupported", "storage class"), RAN, "torch")
sample("shape.pth", "the call is a tensor's shape", pytorch(dict_of((text("w"), call(
    name("torch._utils", "_rebuild_tensor_v2"), f.storage(), number(0), CALL, tuple_of(number(2), number(1)), b"\x89",
    f.ORDERED)))), fails("corrupt", "known form"), RAN, "torch")
sample("module-state.pth", "the call is in a pickled network's attributes", pytorch(
    name("torch.nn.modules.linear", "Linear") + b")\x81" + dict_of(
        (text("_parameters"), dict_of((text("w"), f.tensor()))), (text("_modules"), b"}"), (text("_buffers"), b"}"),
        (text("trainer"), CALL)) + b"b"), warned, RAN, "torch")
sample("magic.pth", "the call is the stream format's first pickle", f.stream(first=f.pickled(CALL)),
       fails("unsupported", "not one of torch.save"), RAN, "torch")
sample("second-pickle.pth", "the call is in the stream format's second pickle", f.stream(second=f.pickled(CALL)),
       fails("unsupported", "protocol version"), RAN, "torch")
sample("storage-keys.pth", "the call is in the stream format's list of storages",
       f.stream(keys=f.pickled(list_of(text("0")) + CALL + b"0")), warned, RAN, "torch")
sample("module-container.pth", "the function hides in the stream format's ('module', class, file, source)",
       f.stream(beside((HOOK, call(tuple_of(text("module"), SYSTEM, text("a.py"), text("")) + b"Q", text(COMMAND))))),
       warned, finds("imports os.system"), "torch")
sample("constants.pth", "the call is in a TorchScript archive's constants.pkl",
       pytorch(more=[Member("archive/constants.pkl", f.pickled(CALL))]),
       reads(), RAN)
sample("other-member.pth", "the call is in a pickle that isn't data.pkl",
       pytorch(more=[Member("archive/extra/hook.pkl", f.pickled(CALL))]), reads(), RAN)
sample("unnamed-member.pth", "the call is in a member whose name says nothing",
       pytorch(more=[Member("archive/notes", f.pickled(CALL))]), reads(), RAN)
sample("nested-member.pth", "a member is a checkpoint of its own",
       pytorch(more=[Member("archive/extra/inner", inner)]), reads(), RAN)
sample("deflated.pth", "the call's pickle is compressed", pytorch(beside((HOOK, CALL)), deflated=True), warned, RAN,
       "torch")
sample("two-pickles.pkl", "the call is in a second pickle, behind a harmless one",
       f.pickled(f.weights()) + f.pickled(CALL), fails("unsupported", "not one of torch.save"), RAN)
sample("second-of-protocol-0.pkl", "a pickle of protocol 0 behind a harmless one",
       f.pickled(number(1)) + as_text, fails("unsupported", "not one of torch.save"), RAN)
sample("several.zip", "one of the checkpoints in an archive",
       f.archive([Member("a.pth", pytorch()), Member("b.pth", inner)]), fails("unknown_format", "no checkpoint"), RAN)
sample("packed.pth.gz", "a checkpoint in a gzip file", f.gzipped(inner), warned, RAN)
sample("one.zip", "a checkpoint in a zip of one", f.archive([Member("a.pth", inner, deflated=True)]), warned, RAN)
parts = f.old_tar_parts(dict_of((text("w"), number(1) + b"Q"), (HOOK, CALL)))
sample("oldest.pth", "the call is in the tar format's pickle",
       f.tar([(f.tar_header(n, len(c)), c) for n, c in parts]), fails("unsupported", "os.system"), RAN, "torch")
parts = f.old_tar_parts(dict_of((text("w"), number(1) + b"Q")))
parts[1] = (b"tensors", f.pickled(CALL) + parts[1][1])
sample("oldest-tensors.pth", "the call is in the tar format's table of tensors",
       f.tar([(f.tar_header(n, len(c)), c) for n, c in parts]), fails("corrupt", "table is damaged"), RAN, "torch")

# NumPy

objects = call(name("numpy._core.multiarray", "_reconstruct"), name("numpy", "ndarray"), tuple_of(number(0)),
               b"C\1b") + tuple_of(number(1), tuple_of(number(1)), call(
                   name("numpy", "dtype"), text("O8"), b"\x89", b"\x88"), b"\x89", list_of(CALL)) + b"b"
beside_call("numpy-objects.pth", "a NumPy array of Python objects in the pickle", objects, RAN, protocol=4, read=warned)
array = f.pickled(objects, 4)
holds = "holds Python objects"
sample("objects.npy", "an array of Python objects", f.npy("'|O'", array, shape="(1,)"),
       fails("unsupported", "|O"), finds(holds, "os.system"), "numpy")
sample("objects-by-name.npy", "the type of Python objects by another name", f.npy("'object'", array, shape="(1,)"),
       fails("unsupported", "object"), finds(holds, "os.system"), "numpy")
sample("records.npy", "records with a field of Python objects", f.npy("[('a', '<f4'), ('b', 'O')]", array, shape="(1,)"),
       fails("unsupported", "records"), finds(holds, "os.system"), "numpy")
sample("objects-protocol-0.npy", "an array whose pickle is of protocol 0", f.npy("'|O'", as_text, shape="(1,)"),
       fails("unsupported", "|O"), finds(holds, "os.system"), "numpy")
sample("objects.npz", "an array of Python objects in an archive", f.archive([
    Member("w.npy", f.npy("'<f4'", f.NUMBERS)), Member("b.npy", f.npy("'|O'", array, shape="(1,)"))]),
       fails("unsupported", "|O"), finds(holds, "os.system"), "numpy")
sample("objects-unnamed.npz", "a member that NumPy knows by its first bytes", f.archive([
    Member("w.npy", f.npy("'<f4'", f.NUMBERS)), Member("b", f.npy("'|O'", array, shape="(1,)"), deflated=True)]),
       fails("unknown_format", "no checkpoint"), finds(holds, "os.system"), "numpy")

# For comparison: the same files without a call

sample("harmless.pth", "a checkpoint with nothing in it but weights", pytorch(), reads(), CLEAN)
sample("harmless-stream.pth", "the same in the stream format", f.stream(), reads(), CLEAN)
parts = f.old_tar_parts(dict_of((text("w"), number(1) + b"Q")))
sample("harmless-tar.pth", "the same in the tar format", f.tar([(f.tar_header(n, len(c)), c) for n, c in parts]),
       reads(), CLEAN)
sample("harmless-text.pkl", "a text that isn't a pickle", b"cat\nsat\non the mat\n",
       fails("unknown_format", "no known format"), UNREADABLE)
