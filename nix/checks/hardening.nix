# On every host, no unit of a word or of the stand-in exceeds the allowed exposure, as `systemd-analyze security` rates it.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  ours = name: builtins.match "(wordtally-.*|bigquery-standin)\\.service" name != null;
  allowed = import ../max-exposure.nix;
  shown = builtins.toJSON allowed;
  # As text only, so that the programs of the units need not be built.
  units =
    host: config:
    lib.mapAttrsToList (name: unit: {
      name = "${host}/${name}";
      path = pkgs.writeText name (builtins.unsafeDiscardStringContext unit.text);
    }) (lib.filterAttrs (name: _: ours name) config.systemd.units);
  folder = pkgs.linkFarm "units" (
    lib.concatLists (lib.mapAttrsToList (name: host: units name host.config) hosts)
  );
in
pkgs.runCommand "hardening" { nativeBuildInputs = [ pkgs.jq ]; } ''
  judged=0
  failed=0
  for unit in ${folder}/*/*; do
    name=''${unit#${folder}/}
    # systemd reads a regular file with the unit's own name.
    copy=$(basename "$unit")
    cp -L "$unit" "$copy"
    # Exposures are printed in tenths; the last line of the table is the total.
    line=$(SYSTEMD_LOG_LEVEL=err ${pkgs.systemd}/bin/systemd-analyze security --offline=true --no-pager "./$copy" | grep 'Overall exposure level')
    exposure=$(sed -E 's/.*: ([0-9.]+) .*/\1/' <<<"$line")
    echo "$exposure $name" | tee -a $out
    # In tenths, like the tool's own threshold.
    tenths=''${exposure/./}
    if [ "$((10#$tenths))" -gt ${toString (builtins.floor (allowed * 10))} ]; then
      failed=1
      echo "$name has an exposure of $exposure, and at most ${shown} is allowed; these settings count against it:" >&2
      SYSTEMD_LOG_LEVEL=err ${pkgs.systemd}/bin/systemd-analyze security --offline=true --json=short "./$copy" |
        jq -r '.[] | select(.exposure != null and (.exposure | tonumber) > 0) | "  \(.exposure) \(.name // .json_field)"' >&2
    fi
    rm "$copy"
    judged=$((judged + 1))
  done
  # At least the two words and the stand-in of dev.
  [ "$judged" -ge 3 ]
  exit "$failed"
''
