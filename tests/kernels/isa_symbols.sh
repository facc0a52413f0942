#!/bin/sh
# isa_symbols.sh NM OBJECT...: an instruction set's objects hold no weak symbol. Of the copies of such a function, of the
# standard library's say, the linker keeps any one, and a processor without AVX-512 would run AVX-512's.
set -eu
nm=$1
shift
[ $# -gt 0 ] || { echo "no objects were given"; exit 2; }
status=0
for object in "$@"; do
  symbols=$("$nm" -C --defined-only "$object")
  weak=$(printf '%s\n' "$symbols" | awk '$2 ~ /^[WVu]$/')
  [ -n "$symbols" ] || { echo "$object has no symbols"; status=1; }
  [ -z "$weak" ] || { printf '%s holds what other objects may hold too:\n%s\n' "$object" "$weak"; status=1; }
done
exit $status
