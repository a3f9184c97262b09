# What is done with a release: published, vouched for, verified.
{ pkgs }:
let
  inherit (pkgs) lib;
  scripts = lib.fileset.toSource {
    root = ./.;
    fileset =
      lib.fileset.difference
        (lib.fileset.fileFilter (
          file:
          lib.any file.hasExt [
            "json"
            "pub"
            "py"
          ]
        ) ./.)
        (
          lib.fileset.unions [
            ./checks
            ./tests
          ]
        );
  };
  command =
    name: description:
    pkgs.writeShellApplication {
      inherit name;
      runtimeInputs = [
        pkgs.cosign
        pkgs.gitMinimal
        pkgs.nix
        pkgs.python3
        pkgs.skopeo
      ];
      text = ''exec python3 ${scripts}/${lib.replaceString "-" "_" name}.py "$@"'';
      meta = { inherit description; };
    };
in
lib.mapAttrs command {
  publish = "Pushes a release's image to a registry, by digest";
  attest = "Writes and signs a release's provenance, and signs its image";
  verify-release = "Verifies a release's signature, files, commit and systems";
  verify-image = "Verifies an image in a registry: digest, signature, provenance, bill of materials";
}
