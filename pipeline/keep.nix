# Copies what was built out of the store: an artifact of GitLab's holds files, and of a link its name only.
{ writeShellApplication, coreutils }:
writeShellApplication {
  name = "keep";
  runtimeInputs = [ coreutils ];
  text = ''
    [ $# = 2 ] || { echo "keep: give what was built, such as ./result, and a folder to make" >&2; exit 2; }
    [ ! -e "$2" ] || { echo "keep: $2 is there already: name a folder to make" >&2; exit 1; }
    cp --recursive --dereference --no-preserve=ownership,timestamps -- "$1" "$2"
    chmod --recursive u+w -- "$2"
  '';
  meta.description = "Copies what was built out of the store";
}
