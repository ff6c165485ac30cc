#!/bin/bash
# dplaneos-release FOLDER --key FILE ...: what one publishes, signed: the image to flash with checksum and signature beside it, and the update for
# machines that run. A key is no input of a build, so this happens outside of one. What follows FOLDER goes to `dplane-ota sign`.
set -eu
[ $# -ge 2 ] || { echo "usage: dplaneos-release FOLDER --key FILE [--passphrase-file FILE]   (or --sign-command, see dplane-ota sign --help)" >&2; exit 2; }
folder=$1
shift
mkdir -p "$folder"
cp --no-preserve=mode "$IMAGE"/*.img.zst "$IMAGE"/*.img.zst.sha256 "$folder/"
cp --no-preserve=mode "$BUNDLE" "$folder/$BUNDLE_NAME"
(cd "$folder" && sha256sum --quiet -c ./*.img.zst.sha256)
for image in "$IMAGE"/*.img.zst; do dplane-ota sign-file "$folder/${image##*/}" "$@"; done
dplane-ota sign "$folder/$BUNDLE_NAME" "$@"
