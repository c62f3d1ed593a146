#!/usr/bin/env bash
# setup.sh [--missing] [build] [run] [test] - installs the Debian packages of these groups (all without a name) that are not there yet.
# --missing only lists them, one a line. packages.txt beside this file says what each is for.
set -euo pipefail
cd "$(dirname "$0")"

list_only=no
groups=()
for word in "$@"; do
    case $word in
    --missing) list_only=yes ;;
    build | run | test) groups+=("$word") ;;
    *)
        echo "setup.sh: \"$word\" is no group; it takes --missing, build, run and test" >&2
        exit 64
        ;;
    esac
done
[ ${#groups[@]} -gt 0 ] || groups=(build run test)

# Elsewhere than on Debian the libraries are the operator's affair, and the compiler says what is missing.
if ! command -v dpkg-query >/dev/null; then
    [ "$list_only" = yes ] || echo "setup: this is not Debian; packaging/packages.txt lists what is needed" >&2
    exit 0
fi

wanted() {
    local group package why g
    while read -r group package why; do
        for g in "${groups[@]}"; do
            if [ "$group" = "$g" ]; then echo "$package"; fi
        done
    done < <(grep -v '^#' packages.txt)
}

mapfile -t packages < <(wanted)
declare -A there=()
# Exits with 1 when a name is unknown, which is the case we ask about.
while read -r status name; do
    if [ "$status" = ii ]; then there[$name]=1; fi
done < <(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "${packages[@]}" 2>/dev/null || true)

missing=()
for package in "${packages[@]}"; do
    [ -n "${there[$package]:-}" ] || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then exit 0; fi
if [ "$list_only" = yes ]; then
    printf '%s\n' "${missing[@]}"
    exit 0
fi

echo "setup: these Debian packages are missing and will be installed:"
for package in "${missing[@]}"; do
    printf '  %-24s %s\n' "$package" "$(sed -n "s/^[a-z]* $package //p" packages.txt)"
done

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "setup: only root can install them and there is no sudo; as root: apt-get install ${missing[*]}" >&2
        exit 77
    fi
    as_root=(sudo)
fi
install_them() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "${missing[@]}"
}
known() {
    apt-get install -s -q --no-install-recommends "${missing[@]}" >/dev/null 2>&1
}

# The lists are fetched anew only when they do not know a package, or know one that is no longer offered.
updated=no
if ! known; then
    "${as_root[@]}" apt-get update -q
    updated=yes
fi
if ! install_them; then
    if [ "$updated" = yes ]; then
        echo "setup: apt-get could not install them; its message above says why" >&2
        exit 69
    fi
    "${as_root[@]}" apt-get update -q
    install_them
fi
