# The promoted release is the one that was built: one package on all hosts, the same bytes in the image, and its crates in the
# bill of materials. See ./release/check_release.py.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}) wordtally release sbom;
  others = lib.filterAttrs (
    _: host: host.config.services.wordtally.package.outPath != wordtally.outPath
  ) release.hosts;
in
assert lib.assertMsg (others == { }) "not the released package: ${toString (lib.attrNames others)}";
pkgs.runCommand "release-checked"
  {
    nativeBuildInputs = [ pkgs.python3 ];
    # From a second build, because the bill of a release must have one digest.
    again = sbom.overrideAttrs { name = "sbom-again.cdx.json"; };
    hosts = lib.attrNames release.hosts;
  }
  ''
    cmp ${release}/sbom.cdx.json $again
    python3 ${./release/check_release.py} ${release} ${wordtally} $hosts | tee $out
  ''
