# A launcher for each environment that is a virtual machine, `vm-NAME`; `vm-prod` is an alias of `vm-mock-prod`.
{
  pkgs,
  hosts,
  # Modules that each of them gets in addition.
  modules ? [ ],
}:
let
  inherit (pkgs) lib;
  launcher =
    host:
    pkgs.callPackage ./launcher.nix {
      host = if modules == [ ] then host else host.extendModules { inherit modules; };
    };
  launchers = lib.mapAttrs' (name: host: lib.nameValuePair "vm-${name}" (launcher host)) (
    lib.filterAttrs (_: host: host.options.wordtally ? sshPort) hosts
  );
in
launchers // { vm-prod = launchers.vm-mock-prod; }
