# Copies a build result and its build dependencies to the binary cache, from which later jobs take them.
{
  writeShellApplication,
  coreutils,
  jq,
  nix,
}:
writeShellApplication {
  name = "push-cache";
  runtimeInputs = [
    coreutils
    jq
    nix
  ];
  text = ''
    [ $# = 1 ] || { echo "push-cache: give one path, such as ./result; it is copied to NIX_CACHE" >&2; exit 2; }
    # A merge request's job has no key, because no other job may use what it built.
    for name in NIX_CACHE NIX_CACHE_KEY_FILE; do
      if [ -z "''${!name-}" ]; then
        echo "push-cache: $name is not set: nothing is pushed, so later jobs build it again"
        exit 0
      fi
    done
    # Nix would read a bare name as a flake.
    path=$(realpath -- "$1")
    nix() { command nix --extra-experimental-features nix-command "$@"; }

    # The result's closure lacks the inputs of its build, such as compiled crates. Of these, only the paths that this machine
    # built: the rest came from a cache.
    built=$(mktemp)
    trap 'rm -f "$built"' EXIT
    nix-store --query --deriver "$path" |
      xargs nix-store --query --requisites --include-outputs |
      { grep --invert-match '\.drv$' || true; } |
      xargs nix path-info --json --json-format 1 |
      jq --raw-output 'to_entries[] | select(.value.ultimate) | .key' >"$built"
    echo "$path" >>"$built"

    xargs nix store sign --recursive --key-file "$NIX_CACHE_KEY_FILE" <"$built"
    xargs nix copy --to "$NIX_CACHE" <"$built"
    echo "push-cache: $(sort -u "$built" | wc -l) paths that were built here are in the cache, with their dependencies"
  '';
  meta.description = "Signs a build result and copies it to the binary cache that NIX_CACHE names";
}
