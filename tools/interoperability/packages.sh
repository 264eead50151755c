# Sourced by scripts that need Debian packages beside those of tools/setup.

install_packages() {
    local sudo=()
    ((EUID == 0)) || sudo=(sudo)
    "${sudo[@]}" apt-get update -qq
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null
}

# Python's module for virtual environments, which Debian packages by itself.
ensure_venv() {
    if ! python3 -c 'import ensurepip, venv' 2>/dev/null; then
        echo "Installing python3-venv" >&2
        install_packages python3 python3-venv
    fi
}
