# A program that writes manifests for an image: which it is by digest is known only once it is in a registry.
{
  jq,
  writeShellApplication,
  writeText,
}:
{
  name,
  description,
  # File name to content, whose containers have no image yet.
  files,
  # What must have been built before.
  checked,
}:
let
  manifests = writeText "${name}.json" (builtins.toJSON files);
in
writeShellApplication {
  inherit name;
  runtimeInputs = [ jq ];
  derivationArgs = { inherit checked; };
  meta = { inherit description; };
  text = ''
    export LC_ALL=C
    refuse() {
      echo "${name}: $1" >&2
      exit 2
    }
    [ $# = 2 ] || refuse "give the image and a new folder: ${name} REGISTRY/NAME@sha256:DIGEST FOLDER"
    image=$1
    folder=$2
    [[ $image =~ ^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9][a-z0-9._-]*)+@sha256:[0-9a-f]{64}$ ]] ||
      refuse "'$image' is no image by its digest: give REGISTRY/NAME@sha256: and 64 hexadecimal digits, as a tag may come to mean another image"
    [ ! -e "$folder" ] ||
      refuse "'$folder' is there already: name a new folder, so that nothing stays in it of a word that is gone"

    mkdir "$folder"
    jq --raw-output 'keys[]' ${manifests} | while read -r file; do
      # JSON, which is YAML too but for two line separators, around which YAML drops spaces.
      jq --arg file "$file" --arg image "$image" \
        '.[$file] | (.. | objects | select(has("containers")) | .containers[]).image = $image' ${manifests} |
        sed 's/\xe2\x80\xa8/\\u2028/g; s/\xe2\x80\xa9/\\u2029/g' >"$folder/$file"
    done
  '';
}
