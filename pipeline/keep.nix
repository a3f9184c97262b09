# Copies a build result out of the store, because a GitLab artifact contains files, and of a link only its name.
{ writeShellApplication, coreutils }:
writeShellApplication {
  name = "keep";
  runtimeInputs = [ coreutils ];
  text = ''
    [ $# = 2 ] || { echo "keep: give the path of a build result, such as ./result, and the folder to create" >&2; exit 2; }
    [ ! -e "$2" ] || { echo "keep: $2 already exists: name a folder to create" >&2; exit 1; }
    cp --recursive --dereference --no-preserve=ownership,timestamps -- "$1" "$2"
    chmod --recursive u+w -- "$2"
  '';
  meta.description = "Copies a build result out of the store";
}
