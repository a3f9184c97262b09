# What is built once and promoted: the image, its bill of materials, and every host's system, in one folder.
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
  # The sources of the inputs that this was evaluated with; flake.lock says where they are from. An input that follows
  # nothing is the flake itself.
  inputsOf =
    prefix: flake:
    lib.concatMapAttrs (
      name: input: { "${prefix}${name}" = input.narHash; } // inputsOf "${prefix}${name}/" input
    ) (lib.filterAttrs (_: input: input.outPath != self.outPath) (flake.inputs or { }));

  release = {
    inherit (wordtally) version;
    inherit (image) revision;
    package = "${wordtally}";
    inputs = inputsOf "" self;
    hosts = lib.mapAttrs (_: host: {
      system = "${host.config.system.build.toplevel}";
      deployment = host.config.wordtally.deployment.signed or { };
    }) hosts;
  };
in
runCommand "release"
  {
    nativeBuildInputs = [ jq ];
    release = builtins.toJSON release;
    passAsFile = [ "release" ];
    passthru = { inherit hosts; };
    meta.description = "The image, its bill of materials and the hosts' systems, named by digest";
  }
  ''
    mkdir $out
    cp -r --no-preserve=mode ${image.oci} $out/image
    cp ${sbom} $out/sbom.cdx.json
    digest=$(jq --exit-status --raw-output '.manifests | if length == 1 then .[0].digest else null end' $out/image/index.json)
    jq --sort-keys --arg image "$digest" '. + { $image }' "$releasePath" >$out/release.json
  ''
