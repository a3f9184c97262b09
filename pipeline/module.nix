# Where an environment stands in the pipeline.
{ lib, ... }:
let
  inherit (lib) mkOption types;
in
{
  options.wordtally.pipeline = {
    tier = mkOption {
      type = types.enum [
        "development"
        "testing"
        "staging"
        "production"
      ];
      description = "GitLab's tier. A tag is brought to production; a merge, to any other.";
    };
    after = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "The environment that must run a release before this one is brought it; `null`: none.";
    };
  };
}
