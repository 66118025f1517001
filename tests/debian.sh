#!/bin/sh
# Installs the Debian packages that some tests drive (Chromium, Java, Node.js) where they are missing and this user may; says so where not.
missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v java >/dev/null 2>&1 || missing="$missing openjdk-17-jre-headless"
command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm"
[ -z "$missing" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null && exit 0
fi
echo "not installed:$missing; the tests that need them are skipped (as root: apt-get install$missing)"
[ "${CI:-}" = true ] && exit 1
exit 0
