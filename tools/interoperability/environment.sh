# Sourced by tools/interop and the suites in tools/bench, from the repository's folder: makes sure of the virtual
# environment with the frameworks of tools/requirements.txt and the files of tools/requirements-files.txt, outside the
# repository, and sets `python` to its interpreter. Needs the network on first use only; the environment is reused until
# the requirements change.
source tools/interoperability/packages.sh
cache=${XDG_CACHE_HOME:-$HOME/.cache}/menagerie
environment=$cache/interop
python=$environment/bin/python

install_environment() {
    local free attempt
    mkdir -p "$cache"
    free=$(df -Pm "$cache" | awk 'NR == 2 { print $4 }')
    if ((free < 12000)); then
        echo "The frameworks need 12 GB in $cache; ${free} MB are free." >&2
        return 1
    fi
    ensure_venv
    [[ -x $python ]] || python3 -m venv --clear "$environment"
    for attempt in 1 2 3; do
        echo "Installing the frameworks into $environment (attempt $attempt)" >&2
        if "$environment/bin/pip" install --quiet --disable-pip-version-check --retries 5 --timeout 60 \
            -r tools/requirements.txt &&
            "$environment/bin/pip" install --quiet --disable-pip-version-check --retries 5 --timeout 60 --no-deps \
                -r tools/requirements-files.txt; then
            return 0
        fi
        sleep $((attempt * 10))
    done
    echo "The frameworks could not be installed." >&2
    return 1
}

prepare_environment() {
    local stamp=$environment/requirements.sha256 wanted
    wanted=$(cat tools/requirements.txt tools/requirements-files.txt | sha256sum | cut -d' ' -f1)
    if [[ $(cat "$stamp" 2>/dev/null) != "$wanted" ]]; then
        install_environment
        echo "$wanted" >"$stamp"
    fi
}

prepare_environment
