# The pipeline has the jobs of each environment, as the committed file says them.
{ pkgs, self, ... }:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}.write-pipeline) environments;
in
pkgs.runCommand "pipeline-environments"
  {
    nativeBuildInputs = [
      pkgs.jq
      pkgs.remarshal
    ];
  }
  ''
    # By what it says: how YAML is laid out is the writer's.
    jobs() { yaml2json "$1" | jq --sort-keys .; }
    diff --unified <(jobs ${../environments.yml}) <(jobs ${environments}) || {
      echo "pipeline/environments.yml differs from what hosts/environments.nix generates: run 'nix run .#write-pipeline'" >&2
      exit 1
    }
    touch $out
  ''
