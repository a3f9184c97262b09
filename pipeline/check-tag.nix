# Checks that a release's tag matches its version.
{ lib, writeShellApplication }:
let
  tag = "v${(lib.importTOML ../Cargo.toml).workspace.package.version}";
in
writeShellApplication {
  name = "check-tag";
  text = ''
    [ $# = 1 ] || { echo "check-tag: give one tag, such as v1.2.3" >&2; exit 2; }
    if [ "$1" != ${tag} ]; then
      echo "check-tag: invalid tag '$1': Cargo.toml has version ${lib.removePrefix "v" tag}, so expected ${tag}" >&2
      exit 1
    fi
  '';
  meta.description = "Refuses a tag that does not match the version in Cargo.toml";
}
