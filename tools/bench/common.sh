# Sourced by the suites beside it, each of which has a function `usage`: reads their options, prepares what they need,
# and starts their Python side from the repository's folder.
caller=$PWD
program=tools/bench/$(basename "$0")
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

wrong() {
    echo "$1; see $program --help" >&2
    exit 64
}

# absolute PATH: as the caller meant it.
absolute() {
    [[ $1 == /* ]] && echo "$1" || echo "$caller/$1"
}

# read_options KNOWN ARGUMENT…: checks the arguments against the options that the suite has, a pattern such as
# "--json|--rounds", and puts them into `arguments`. Of an option that takes a list, the suite's function `values` says
# what may stand in it.
read_options() {
    local known=$1 known_values
    shift
    arguments=()
    while (($# > 0)); do
        if [[ $1 == -h || $1 == --help ]]; then
            usage
            exit 0
        fi
        [[ $1 =~ ^($known)$ ]] || wrong "Unknown: $1"
        case $1 in
        --json | --results | --zoo)
            [[ -n ${2:-} ]] || wrong "$1 needs a path"
            arguments+=("$1" "$(absolute "$2")")
            shift 2
            ;;
        --rounds | --threads)
            [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || wrong "$1 needs a number from 1 to 9999"
            arguments+=("$1" "$2")
            shift 2
            ;;
        --batches)
            [[ ${2:-} =~ ^[1-9][0-9]{0,2}(,[1-9][0-9]{0,2})*$ ]] ||
                wrong "$1 needs numbers from 1 to 999, with commas between them"
            arguments+=("$1" "$2")
            shift 2
            ;;
        --models | --modes | --peers)
            known_values=$(values "$1")
            [[ ${2:-} =~ ^($known_values)(,($known_values))*$ ]] ||
                wrong "$1 needs one or more of ${known_values//|/, }, with commas between them"
            arguments+=("$1" "$2")
            shift 2
            ;;
        *)
            arguments+=("$1")
            shift
            ;;
        esac
    done
}

# prepare_frameworks: the Python environment; what torch.compile made is kept beside it.
prepare_frameworks() {
    source tools/interoperability/environment.sh
    export TORCHINDUCTOR_CACHE_DIR=$cache/inductor TORCHINDUCTOR_COMPILE_THREADS=1 CUDA_VISIBLE_DEVICES=''
}

# build PRODUCT…: builds them and sets `binaries` to their folder.
build() {
    local command=(swift build -c release --static-swift-stdlib) product
    tools/setup
    for product in "$@"; do "${command[@]}" --product "$product" >&2; done
    binaries=$("${command[@]}" --show-bin-path)
}

# run_suite: builds both sides and measures; ends the script.
run_suite() {
    build zoo ZooBenchmarkWorker
    prepare_frameworks
    exec "$python" -B tools/bench/bench.py "$(basename "$program")" --root "$PWD" --zoo "$binaries/zoo" \
        --worker "$binaries/ZooBenchmarkWorker" "${arguments[@]}"
}
