# Puts what was built into the binary cache, so that each later job takes it from there.
{
  writeShellApplication,
  coreutils,
  nix,
}:
writeShellApplication {
  name = "push-cache";
  runtimeInputs = [
    coreutils
    nix
  ];
  text = ''
    [ $# = 1 ] || { echo "push-cache: give one path, such as ./result; NIX_CACHE is where it goes" >&2; exit 2; }
    # A merge request's job has no key: what it built is nobody's to take.
    for name in NIX_CACHE NIX_CACHE_KEY_FILE; do
      if [ -z "''${!name-}" ]; then
        echo "push-cache: $name is not set: nothing is pushed, and later jobs build it again"
        exit 0
      fi
    done
    # A bare name would be a flake's.
    path=$(realpath -- "$1")
    nix() { command nix --extra-experimental-features nix-command "$@"; }
    nix store sign --recursive --key-file "$NIX_CACHE_KEY_FILE" "$path"
    nix copy --to "$NIX_CACHE" "$path"
    echo "push-cache: $(nix path-info --recursive "$path" | wc -l) store paths are in the cache"
  '';
  meta.description = "Copies a closure, signed, to the binary cache that NIX_CACHE names";
}
