# The position of an environment in the pipeline.
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
      description = "GitLab's deployment tier. Tags are deployed to production; merges are deployed to every other tier.";
    };
    after = mkOption {
      type = types.nullOr types.str;
      default = null;
      description = "Environment that must run a release before it is deployed to this one; `null`: none.";
    };
    runnerTags = mkOption {
      type = types.listOf types.str;
      default = lib.optional (cfg.pipeline.tier == "production") cfg.environment;
      defaultText = lib.literalMD "the environment's name for production, and none for any other tier";
      example = [ "prod" ];
      description = "Tags of the runners that deploy to this environment. Only these runners receive production's key.";
    };
    signingRunnerTags = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "signing" ];
      description = ''
        Tags of the runners that sign what is brought here. One job signs a release for all environments: it has the tags of
        each of them. Without any, `COSIGN_KEY` is given to whichever runner takes the job.
      '';
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
      defaultText = lib.literalMD "the reverse proxy's URL, or that of the first page";
      description = "Target of GitLab's link to the environment.";
    };
  };
}
