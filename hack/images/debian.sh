# shellcheck shell=bash
# Debian packages as files of images that are built without Docker.

# unpack PACKAGE DIR: fetches a package and unpacks it below DIR, once.
unpack() {
  local package="$1" dir="$2"
  [ ! -e "$dir/$package.unpacked" ] || return 0
  mkdir -p "$dir/packages"
  if ! download "$package" "$dir" && ! { [ "$(id -u)" -eq 0 ] && apt-get update -q >/dev/null && download "$package" "$dir"; }; then
    echo "apt-get download $package failed: $(tail -n 1 "$dir/$package.log"). Run apt-get update as root." >&2
    return 1
  fi
  dpkg-deb -x "$dir/packages/$package"_*.deb "$dir" || return 1
  touch "$dir/$package.unpacked"
}

download() { (cd "$2/packages" && apt-get download "$1" >"$2/$1.log" 2>&1); }
