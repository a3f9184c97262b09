# The tutorial with Nix calls what the flake offers, and changes what is there. Its commands are run by
# ../tests/run_tutorial.py.
{
  pkgs,
  self,
  lib,
  hosts,
  ...
}:
let
  page = builtins.readFile ../../docs/tutorial/deploy-a-word.md;
  named = lib.unique (
    lib.concatMap (part: if lib.isList part then part else [ ]) (builtins.split "[.]#([a-z-]+)" page)
  );
  offered = self.packages.${pkgs.stdenv.hostPlatform.system};
  unknown = lib.filter (name: !offered ? ${name}) named;

  diff = lib.head (lib.splitString "\n```" (lib.elemAt (lib.splitString "\n```diff\n" page) 1));
  hunk = lib.drop 3 (lib.splitString "\n" diff);
  old = lib.concatMapStringsSep "\n" (lib.removePrefix " ") (
    lib.filter (line: !lib.hasPrefix "+" line) hunk
  );
in
assert lib.assertMsg (lib.length named > 4) "calls only ${toString named}";
assert lib.assertMsg (unknown == [ ]) "calls what the flake does not offer: ${toString unknown}";
assert lib.assertMsg (lib.hasInfix "\n${old}\n" (
  builtins.readFile ../words.nix
)) "hosts/words.nix does not have:\n${old}";
assert !hosts.mock-prod.config.services.wordtally.instances ? hamlet;
pkgs.writeText "tutorial" "calls: ${toString named}\n"
