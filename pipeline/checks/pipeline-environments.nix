# The committed file has the pipeline's jobs for each environment. Only the signing job gets the tags for signing.
{ pkgs, self, ... }:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}.write-pipeline) environments;
  tagged = environments.override (
    { hosts, ... }: {
      hosts = hosts // {
        prod = hosts.prod.extendModules {
          modules = [ { wordtally.pipeline.signingRunnerTags = [ "signing" ]; } ];
        };
      };
    }
  );
in
pkgs.runCommand "pipeline-environments"
  {
    nativeBuildInputs = [
      pkgs.jq
      pkgs.remarshal
    ];
  }
  ''
    # Compares the content, because the layout of YAML depends on the program that writes it.
    jobs() { yaml2json "$1" | jq --sort-keys .; }
    diff --unified <(jobs ${../environments.yml}) <(jobs ${environments}) || {
      echo "pipeline/environments.yml differs from what hosts/environments.nix generates: run 'nix run .#write-pipeline'" >&2
      exit 1
    }
    diff --unified <(jobs ${environments} | jq --sort-keys '.".signing".tags = [ "signing" ]') <(jobs ${tagged}) || {
      echo "signingRunnerTags does not give the signing job its tag, or changes another job" >&2
      exit 1
    }
    touch $out
  ''
