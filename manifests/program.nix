# A program that writes manifests for an image. The image's digest is known only once it is in a registry.
{
  lib,
  jq,
  runCommand,
  writeShellApplication,
  writeText,
  wordtally,
  # The NixOS host whose words these are.
  host,
  platforms,
}:
{
  name,
  description,
  # The port on which each container listens.
  port,
  # A function from a word's name, instance and variables to its manifest, whose containers have no image yet.
  word,
  # Further files, by name.
  files ? { },
  # The registries from which the platform accepts images, as an extended regular expression, and the message for others;
  # `null`: any.
  registries ? null,
}:
let
  inherit (host.config.services.wordtally) instances;
  variablesOf = import ../nix/modules/instance-variables.nix { inherit lib; };
  project = import ./project.nix { inherit lib; } platforms;
  variables = lib.mapAttrs (
    _: instance:
    { PROJECT = project; } // variablesOf instance // { LISTEN = "0.0.0.0:${toString port}"; }
  ) instances;

  words = lib.mapAttrs' (
    key: instance: lib.nameValuePair "word-${key}.yaml" (word key instance variables.${key})
  ) instances;
  manifests = writeText "${name}.json" (builtins.toJSON (files // words));
  # The program itself checks the values before anything is written.
  checked = import ../nix/modules/check-values.nix {
    inherit lib runCommand;
    package = wordtally;
    where = "services.wordtally.instances";
  } variables;
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
      refuse "'$image' does not name an image by its digest: give REGISTRY/NAME@sha256: and 64 hexadecimal digits, because a tag may later name another image"
    ${lib.optionalString (registries != null) ''
      [[ ''${image%%/*} =~ ^(${registries.pattern})$ ]] || refuse "'$image' is in another registry: ${registries.sentence}"
    ''}
    [ ! -e "$folder" ] ||
      refuse "'$folder' already exists: name a new folder, so that no file of a removed word remains in it"

    mkdir "$folder"
    jq --raw-output 'keys[]' ${manifests} | while read -r file; do
      # JSON, which is also YAML except for two line separators, around which YAML drops spaces. Flux reads only files with
      # this ending.
      jq --arg file "$file" --arg image "$image" \
        '.[$file] | (.. | objects | select(has("containers")) | .containers[]).image = $image' ${manifests} |
        sed 's/\xe2\x80\xa8/\\u2028/g; s/\xe2\x80\xa9/\\u2029/g' >"$folder/$file"
    done
  '';
}
