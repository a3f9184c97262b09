# A value that `wordtally serve` would refuse fails the build, with the program's message and the instance's name. This also
# holds for a host of another architecture, whose own binary cannot run here.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  inherit (hosts) dev;
  wrong = dev.extendModules {
    modules = [
      {
        nixpkgs.pkgs = lib.mkForce (
          if pkgs.stdenv.hostPlatform.isAarch64 then
            pkgs.pkgsCross.gnu64
          else
            pkgs.pkgsCross.aarch64-multiplatform
        );
        services.wordtally.instances.the.ttl = "300";
      }
    ];
  };
  check = lib.findFirst (
    check: check.name == "wordtally-instances-checked"
  ) (throw "system.checks has no check of the values") wrong.config.system.checks;
  text = builtins.unsafeDiscardStringContext;
  failed = pkgs.testers.testBuildFailure check;
in
assert wrong.config.services.wordtally.package.system != pkgs.stdenv.hostPlatform.system;
assert check.system == pkgs.stdenv.hostPlatform.system;
assert lib.assertMsg (lib.hasInfix (text (lib.getExe dev.config.services.wordtally.package)) (
  text check.buildCommand
)) "the check runs a binary for the host's architecture, not for the building machine's";
pkgs.runCommand "values-checked" { } ''
  cat ${failed}/testBuildFailure.log
  grep -F '300' ${failed}/testBuildFailure.log
  grep -F 'services.wordtally.instances.the is refused, see above' ${failed}/testBuildFailure.log
  if grep -F 'instances.love' ${failed}/testBuildFailure.log; then exit 1; fi
  touch $out
''
