#!/bin/sh
# Numba reads compiled code only from a folder that it can write to: the image's copy is put into this container's scratch.
set -eu
compiled=${REPLICANT_KERNEL:-/opt/replicant/kernel}
if [ -d "$compiled" ] && [ ! -e "$NUMBA_CACHE_DIR" ]; then
  # Copied aside and moved: containers that share a scratch folder see all of it or nothing.
  part=$(mktemp -d "$NUMBA_CACHE_DIR.XXXXXX")
  cp -R "$compiled/." "$part"
  mv -T "$part" "$NUMBA_CACHE_DIR" 2>/dev/null || rm -rf "$part"
fi
exec "$@"
