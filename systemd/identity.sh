# What is being built: sourced by the scripts beside it, which run at the top of the tree.
#
# Responsible for version, release, commit and date, from git or, in an archive without git, from the
# environment. Not responsible for building anything.
# shellcheck shell=bash disable=SC2034  # all of it is read by who sources it

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

for tool in cargo rustc; do
    command -v "$tool" >/dev/null || die "$tool is needed; https://rustup.rs has it"
done

# Where everything is put: never beside the sources.
target=${CARGO_TARGET_DIR:-$PWD/target}

version=$(sed -n '/^\[package\]/,/^\[/s/^version = "\(.*\)"$/\1/p' Cargo.toml)
[ -n "$version" ] || die "Cargo.toml has no version"

# The full name of the machine as Rust has it, and its architecture as rpm and dpkg have it. EDGEDNS_TARGET names another
# machine than this one: aarch64-unknown-linux-gnu.
host=$(rustc -vV | sed -n 's/^host: //p')
triple=${EDGEDNS_TARGET:-$host}
arch=${triple%%-*}
case $arch in
    x86_64) debian_arch=amd64 ;;
    aarch64) debian_arch=arm64 ;;
    *) debian_arch=$arch ;;
esac

# Whether the compiler in this folder has Rust's own library for the target.
builds_for_target() {
    compgen -G "$("$1/rustc" --print target-libdir --target "$triple" 2>/dev/null)/libstd-*.rlib" >/dev/null
}
# The compiler of the distribution may have it where the first one of PATH has not: a rustup that cannot fetch more.
if ! builds_for_target "$(dirname "$(command -v rustc)")"; then
    if [ -x /usr/bin/cargo ] && builds_for_target /usr/bin; then
        PATH=/usr/bin:$PATH
    else
        die "no library of Rust for $triple: \`rustup target add $triple\`, or on Debian the packages rustc-web, cargo-web" \
            "and libstd-rust-web-dev:$debian_arch (after \`dpkg --add-architecture $debian_arch\`)"
    fi
fi

# EDGEDNS_FEATURES=fips: another cryptographic module in place of ring (docs/openshift.md, "FIPS").
features=()
[ -z "${EDGEDNS_FEATURES:-}" ] || features=(--no-default-features --features "$EDGEDNS_FEATURES")

# What is for another machine lies apart, is made with its tools, and is run here by qemu-user where there is need.
if [ "$triple" = "$host" ]; then
    out=$target/package tools='' run=()
else
    out=$target/package-$arch tools=$arch-linux-gnu- run=("qemu-$arch-static")
    export "CC_${triple//-/_}=${tools}gcc"
fi
if [ "$arch" != x86_64 ]; then
    export "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$triple")_LINKER=$PWD/systemd/static-pie-gcc" "EDGEDNS_GCC=${tools}gcc"
fi

# A tag v<version> at the commit makes release 1. Before it a release is 0.<date>.<commit>, which rpm and dpkg
# sort by date and below 1, so that one build can replace another.
if git rev-parse --git-dir >/dev/null 2>&1 && [ -z "$(git rev-parse --show-prefix)" ]; then
    commit=$(git rev-parse HEAD)
    date=$(git log -1 --format=%ct)
    release=1
    if [ "$(git tag --points-at HEAD --list "v$version")" = "" ]; then
        release=0.$(date --utc --date="@$date" +%Y%m%d%H%M%S).g${commit:0:8}
    fi
    if [ -n "$(git status --porcelain --untracked-files=no)" ]; then
        commit="$commit with changes"
        release=$release.changed
    fi
else
    # `git archive` gives every file the date of its commit.
    commit=unknown
    date=$(stat --format=%Y Cargo.toml)
    release=1
fi
commit=${EDGEDNS_COMMIT:-$commit}
release=${EDGEDNS_RELEASE:-$release}
# Another build of the same sources is another package: neither stands for the other.
[ "${#features[@]}" -eq 0 ] || release=$release.${EDGEDNS_FEATURES//[!a-z0-9]/.}
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$date}
export LC_ALL=C TZ=UTC
