# The release, which is built once and promoted: the image, its bill of materials and every host's system, in one folder. It
# is all that signing and publishing need, so both work with an empty store.
{
  lib,
  runCommand,
  jq,
  hosts,
  wordtally,
  image,
  sbom,
  self,
}:
let
  # The sources of the inputs with which this was evaluated; flake.lock has their origin. An input that follows the empty path
  # is the flake itself.
  inputsOf =
    prefix: flake:
    lib.concatMapAttrs (
      name: input: { "${prefix}${name}" = input.narHash; } // inputsOf "${prefix}${name}/" input
    ) (lib.filterAttrs (_: input: input.outPath != self.outPath) (flake.inputs or { }));

  systems = lib.mapAttrs (_: host: host.config.system.build.toplevel) hosts;

  # The signed data contains the content of files, never the path of a file that only this store has.
  release = {
    inherit (wordtally) version;
    inherit (image) revision;
    commitTime = self.lastModified or 0;
    package = "${wordtally}";
    inputs = inputsOf "" self;
    hosts = lib.mapAttrs (name: host: {
      system = "${systems.${name}}";
      deployment = host.config.wordtally.deployment.signed or { };
    }) hosts;
  };

  # The attributes are the names of the subjects in the provenance.
  closures = {
    package = wordtally;
  }
  // lib.mapAttrs' (name: lib.nameValuePair "hosts/${name}") systems;
in
runCommand "release"
  {
    __structuredAttrs = true;
    nativeBuildInputs = [ jq ];
    inherit release;
    # Each path with its hash, from Nix's database.
    exportReferencesGraph = lib.mapAttrs (_: root: [ root ]) closures;
    subjects = lib.attrNames closures;
    passthru = { inherit hosts; };
    meta.description = "The image, its bill of materials and the hosts' systems, named by digest";
  }
  ''
    mkdir --parents $out/closures/hosts
    cp -r --no-preserve=mode ${image.oci} $out/image
    cp ${sbom} $out/sbom.cdx.json
    digest=$(jq --exit-status --raw-output '.manifests | if length == 1 then .[0].digest else null end' $out/image/index.json)
    jq --sort-keys --arg image "$digest" '.release + { $image }' "$NIX_ATTRS_JSON_FILE" >$out/release.json
    for subject in "''${subjects[@]}"; do
      jq --raw-output --arg subject "$subject" '.[$subject][] | "\(.path) \(.narHash)"' "$NIX_ATTRS_JSON_FILE" |
        LC_ALL=C sort >"$out/closures/$subject"
    done
  ''
