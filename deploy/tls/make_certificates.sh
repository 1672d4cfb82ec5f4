#!/bin/sh
# Certificates for one Dask cluster: a CA of its own, and one certificate each for scheduler, workers and clients.
#
#     deploy/tls/make_certificates.sh FOLDER [DAYS]
#
# Anybody with a certificate of this CA may run code on the cluster and read what it works on, so:
# - use this CA for this cluster and nothing else;
# - keep FOLDER/ca.key offline, or delete it: then nobody can join later (make a new CA instead);
# - give each machine its own role's two files and ca.crt, and nothing more.
# Dask compares no host names. That is why the CA must be the cluster's own.
set -eu

if [ $# -lt 1 ] || [ $# -gt 2 ]; then
  echo "usage: $0 FOLDER [DAYS]" >&2
  exit 2
fi
folder=$1
days=${2:-365}

if [ -e "$folder/ca.key" ] || [ -e "$folder/ca.crt" ]; then
  echo "$0: there is a CA in $folder already; choose another folder" >&2
  exit 1
fi

umask 077 # private keys are made 0600, the folder 0700
mkdir -p "$folder"
cd "$folder"
work=$(mktemp -d ./.making.XXXXXX)
trap 'rm -rf "$work"' EXIT

new_key() {
  openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null
}

new_key "$work/ca.key"
openssl req -x509 -new -sha256 -key "$work/ca.key" -days "$days" -subj "/CN=replicant cluster CA" \
  -addext "keyUsage=critical,keyCertSign,cRLSign" -out "$work/ca.crt"

# A scheduler and its workers connect to each other both ways; a client only connects.
for role in scheduler worker client; do
  case $role in
    client) usage=clientAuth ;;
    *) usage=serverAuth,clientAuth ;;
  esac
  new_key "$work/$role.key"
  openssl req -new -sha256 -key "$work/$role.key" -subj "/CN=replicant $role" -out "$work/$role.csr"
  cat >"$work/$role.ext" <<EXTENSIONS
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = $usage
subjectAltName = DNS:$role
authorityKeyIdentifier = keyid
subjectKeyIdentifier = hash
EXTENSIONS
  openssl x509 -req -sha256 -in "$work/$role.csr" -CA "$work/ca.crt" -CAkey "$work/ca.key" -CAcreateserial \
    -days "$days" -extfile "$work/$role.ext" -out "$work/$role.crt" 2>/dev/null
done

for name in ca scheduler worker client; do
  chmod 644 "$work/$name.crt"
  mv "$work/$name.crt" "$work/$name.key" .
done
echo "made in $folder: ca.crt, and key and certificate of scheduler, worker and client; valid for $days days"
