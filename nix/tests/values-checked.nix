# A value that `wordtally serve` would refuse fails the build, with its sentence and the instance's name.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  wrong = hosts.dev.extendModules {
    modules = [ { services.wordtally.instances.the.ttl = "300"; } ];
  };
  check = lib.findFirst (
    check: check.name == "wordtally-instances-checked"
  ) (throw "system.checks has no check of the values") wrong.config.system.checks;
  failed = pkgs.testers.testBuildFailure check;
in
pkgs.runCommand "values-checked" { } ''
  cat ${failed}/testBuildFailure.log
  grep -F '300' ${failed}/testBuildFailure.log
  grep -F 'services.wordtally.instances.the is refused, see above' ${failed}/testBuildFailure.log
  if grep -F 'instances.love' ${failed}/testBuildFailure.log; then exit 1; fi
  touch $out
''
