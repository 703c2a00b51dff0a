#!/bin/sh
# Install what is needed from the system: with apt-get when root; otherwise say what is missing.
#   system-packages.sh venv   what `python3 -m venv` needs
#   system-packages.sh up     Chromium; without it the scan is static, so nothing fails
#   system-packages.sh test   Chromium, Firefox, nginx, Varnish, PostgreSQL, npm; what is missing and cannot be had fails
#   system-packages.sh bench  Chromium, the peers measured beside the proxy (nginx, Apache, npm for workerd), and wrk
set -eu

PATH=$PATH:/usr/sbin:/sbin
missing=""

need() {  # need PACKAGE TEST-COMMAND...
    package=$1
    shift
    "$@" >/dev/null 2>&1 || missing="$missing $package"
}

case "$1" in
venv) need python3-venv "${PYTHON:-python3}" -c "import ensurepip" ;;
up) need chromium command -v chromium ;;
test)
    need chromium command -v chromium
    need nginx-light command -v nginx
    need postgresql sh -c 'ls /usr/lib/postgresql/*/bin/initdb'
    need npm command -v npm
    need poppler-utils command -v pdftotext
    need firefox-esr command -v firefox-esr
    need varnish command -v varnishd
    ;;
bench)
    need chromium command -v chromium
    need nginx-light command -v nginx
    need apache2-bin command -v apache2
    need npm command -v npm
    need wrk command -v wrk
    need util-linux command -v taskset
    ;;
*)
    echo "usage: $0 venv|up|test|bench" >&2
    exit 2
    ;;
esac

[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "installing:$missing"
    log=$(mktemp)
    # shellcheck disable=SC2086 # a list of packages
    if DEBIAN_FRONTEND=noninteractive sh -c "apt-get update && apt-get install -y --no-install-recommends $missing" \
        >"$log" 2>&1 </dev/null; then
        rm -f "$log"
        exit 0
    fi
    tail -n 5 "$log" >&2
    echo "apt-get could not install:$missing (all it said: $log)" >&2
else
    echo "missing:$missing (not root, so not installed; try: sudo apt-get install$missing)" >&2
fi

[ "$1" = up ] && exit 0
exit 1
