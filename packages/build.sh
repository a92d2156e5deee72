#!/bin/sh
# Makes dist/pigsync_VERSION_ARCH.deb and .rpm. VERSION and ARCH (amd64, arm64) may be given.
set -eu
cd "$(dirname "$0")/.."

GO=${GO:-go}
ARCH=${ARCH:-$($GO env GOARCH)}
VERSION=${VERSION:-$(git describe --tags --match 'v[0-9]*' 2>/dev/null || echo "0.0.0+$(git rev-parse --short=12 HEAD)")}
VERSION=${VERSION#v}
export ARCH VERSION

mkdir -p dist/stage
build() { CGO_ENABLED=0 $GO build -trimpath -ldflags "-s -w -X github.com/pigsync/pigsync/reconcile.packaged=$VERSION" -o bin/ ./cmd/...; }
build
bin/pigsync man | gzip -9n >dist/stage/pigsync.1.gz
for shell in bash zsh fish; do bin/pigsync completion $shell >"dist/stage/pigsync.$shell"; done
[ "$ARCH" = "$($GO env GOARCH)" ] || GOARCH=$ARCH build
for packager in deb rpm; do
  $GO tool -modfile=tools/nfpm.mod nfpm package -f packages/nfpm.yaml -p $packager -t dist/
done
