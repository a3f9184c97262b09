# The pipeline's jobs for each environment, as GitLab reads them: one template, and the stages in the order of `after`.
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
  # What a tag is brought to, the environment before it must run.
  isAskedByTags =
    name: lib.any (other: isTagged other && environments.${other}.after == name) ordered;

  jobs =
    name:
    let
      inherit (environments.${name}) tier;
      event = if isTagged name then ".tagged" else ".merged";
      common = stage: {
        stage = "${stage} ${name}";
        resource_group = name;
      };
    in
    {
      "deploy ${name}" = common "deploy" // {
        extends = [
          ".deploy"
          event
        ];
        environment = {
          inherit name;
          deployment_tier = tier;
        }
        // lib.optionalAttrs (!isTagged name) { on_stop = "stop ${name}"; };
      };
      "verify ${name}" = common "verify" // {
        extends = [ ".verify" ] ++ lib.optional (!isAskedByTags name) event;
        environment = {
          inherit name;
          action = "verify";
        };
      };
    }
    // lib.optionalAttrs (!isTagged name) {
      "stop ${name}" = common "deploy" // {
        extends = [ ".stop" ];
        environment = {
          inherit name;
          action = "stop";
        };
      };
    };

  file = (formats.yaml { }).generate "environments.yml" (
    {
      stages = [
        "lint"
        "build"
        "test"
        "publish"
        "attest"
      ]
      ++ lib.concatMap (name: [
        "deploy ${name}"
        "verify ${name}"
      ]) ordered;
    }
    // lib.mergeAttrsList (map jobs ordered)
  );
in
runCommand "environments.yml" { } ''
  {
    echo "# Written by 'nix run .#write-pipeline' from hosts/environments.nix: change that."
    cat ${file}
  } >$out
''
