# Where an environment stands in the pipeline.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.wordtally;
  inherit (config.services.wordtally) reverseProxy;
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
    runnerTags = mkOption {
      type = types.listOf types.str;
      default = lib.optional (cfg.pipeline.tier == "production") cfg.environment;
      defaultText = lib.literalMD "production's name for production, and none for any other";
      example = [ "prod" ];
      description = "Tags of the runners that deploy here. Production's key is given to these only.";
    };
    url = mkOption {
      type = types.str;
      readOnly = true;
      default =
        if reverseProxy.enable then
          "https://${reverseProxy.hostName}${
            lib.optionalString (cfg.deployment.publicPort != 443) ":${toString cfg.deployment.publicPort}"
          }/"
        else
          lib.head (lib.attrValues cfg.deployment.pages);
      defaultText = lib.literalMD "that of the reverse proxy, or of the first page";
      description = "Where GitLab's link to the environment leads.";
    };
  };
}
