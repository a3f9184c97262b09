# The pipeline's jobs for each environment, for GitLab: one template, and the stages in the order of `after`.
{
  lib,
  formats,
  runCommand,
  hosts,
}:
let
  environments = lib.mapAttrs (_: host: host.config.wordtally.pipeline) hosts;
  before =
    name:
    let
      inherit (environments.${name}) after;
    in
    if after == null then
      [ ]
    else if environments ? ${after} then
      [ after ] ++ before after
    else
      throw "wordtally.pipeline.after of '${name}' is '${after}', which is not an environment: give one of ${lib.concatStringsSep ", " (lib.attrNames environments)}";
  ordered =
    (lib.toposort (first: second: lib.elem first (before second)) (lib.attrNames environments)).result;

  isTagged = name: environments.${name}.tier == "production";
  # The environment before the one to which a tag is deployed must run the release.
  isAskedByTags =
    name: lib.any (other: isTagged other && environments.${other}.after == name) ordered;
  isVirtual = name: hosts.${name}.options.wordtally ? sshPort;

  # Rules. A release needs the key with which it is signed.
  signed = condition: {
    "if" = condition;
    exists = [ "release/cosign.pub" ];
  };
  tag = "$CI_COMMIT_TAG";
  merge = ''$CI_COMMIT_BRANCH == $CI_DEFAULT_BRANCH && $CI_PIPELINE_SOURCE != "schedule"'';
  isThere = name: "$DEPLOY_HOSTS =~ /(^| )${name}( |$)/";

  jobs =
    name:
    let
      inherit (environments.${name}) tier runnerTags url;
      # On the host's own runner, one job at a time.
      onHost = {
        stage = "deploy ${name}";
        resource_group = name;
      }
      // lib.optionalAttrs (runnerTags != [ ]) { tags = runnerTags; };
    in
    {
      "deploy ${name}" = onHost // {
        extends = ".deploy";
        environment = {
          inherit name url;
          deployment_tier = tier;
        }
        // lib.optionalAttrs (!isTagged name) { on_stop = "stop ${name}"; };
        rules = [ (signed "${if isTagged name then tag else merge} && ${isThere name}") ];
      };
    }
    // lib.optionalAttrs (!isTagged name) {
      "stop ${name}" = onHost // {
        extends = ".stop";
        environment = {
          inherit name;
          action = "stop";
        };
        rules = [
          (
            signed "${merge} && ${isThere name}"
            // {
              when = "manual";
              allow_failure = true;
            }
          )
        ];
      };
    }
    // lib.optionalAttrs (isAskedByTags name) {
      "check ${name}" = onHost // {
        extends = ".check host";
        environment = {
          inherit name;
          action = "verify";
        };
        rules = [ (signed "${tag} && ${isThere name}") ];
      };
    }
    // lib.optionalAttrs (isVirtual name) {
      "rehearse ${name}" = {
        extends = ".rehearse";
        stage = "deploy ${name}";
        script = [ ''nix run .#rehearse-${name} -- --commit "$CI_COMMIT_SHA"'' ];
        rules = [
          {
            "if" = isThere name;
            when = "never";
          }
          (signed merge)
        ]
        ++ lib.optional (isAskedByTags name) (signed tag);
      };
    };

  signingTags = lib.unique (lib.concatMap (name: environments.${name}.signingRunnerTags) ordered);

  file = (formats.yaml { }).generate "environments.yml" (
    {
      stages = [
        "lint"
        "build"
        "test"
        "publish"
        "attest"
      ]
      ++ map (name: "deploy ${name}") ordered
      ++ [ "release" ];
      # One signature for all environments.
      ".signing" = {
        extends = ".promote";
        stage = "attest";
      }
      // lib.optionalAttrs (signingTags != [ ]) { tags = signingTags; };
    }
    // lib.mergeAttrsList (map jobs ordered)
  );
in
runCommand "environments.yml" { } ''
  {
    echo "# Written by 'nix run .#write-pipeline' from hosts/environments.nix. Edit that file instead."
    cat ${file}
  } >$out
''
