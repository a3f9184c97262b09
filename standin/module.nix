# The BigQuery stand-in as a service, for development and mock production. `packagesFor` is as in
# ../nix/modules/wordtally.nix.
{ packagesFor }:
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  cfg = config.services.bigquery-standin;
  overridable = import ../nix/modules/overridable.nix { inherit lib; };
  iamFile = index: "bigquery-standin/iam-${toString index}.json";
in
{
  options.services.bigquery-standin = {
    enable = lib.mkEnableOption "the BigQuery stand-in";
    package = lib.mkPackageOption (packagesFor pkgs) "bigquery-standin" {
      pkgsText = "wordtally.packages.\${system}";
      extraDescription = "It must be a static binary, because the unit may execute nothing else.";
    };
    listen = mkOption {
      type = types.str;
      default = "127.0.0.1:9050";
      description = "Address and port to listen on.";
    };
    iam = mkOption {
      type = types.listOf types.path;
      default = [ ];
      description = "IAM files, which list the accounts and their permissions. Their entries are combined. A change to a file reloads the unit.";
    };
    admin = mkOption {
      type = types.bool;
      default = false;
      description = "Whether to serve `/standin/…`, which lets every client that can connect control the stand-in.";
    };
  };

  config = lib.mkIf cfg.enable {
    # Under a name that does not change, so that a reload can read the file again.
    environment.etc = lib.listToAttrs (
      lib.imap0 (index: file: lib.nameValuePair (iamFile index) { source = file; }) cfg.iam
    );

    systemd.services.bigquery-standin = {
      description = "BigQuery stand-in";
      wantedBy = [ "multi-user.target" ];
      after = [ "network.target" ];
      before = map (name: "wordtally-${name}.service") (
        lib.attrNames (config.services.wordtally.instances or { })
      );
      reloadTriggers = cfg.iam;
      enableDefaultPath = false;
      serviceConfig = overridable (
        {
          Type = "notify-reload";
          ExecStart = lib.escapeShellArgs (
            [
              (lib.getExe cfg.package)
              "standin"
              "serve"
              "--listen"
              cfg.listen
              "--state"
              "/var/lib/bigquery-standin"
            ]
            ++ lib.concatLists (
              lib.imap0 (index: _: [
                "--iam"
                "/etc/${iamFile index}"
              ]) cfg.iam
            )
            ++ lib.optional cfg.admin "--admin"
          );
          StateDirectory = "bigquery-standin";
          # All words query it, and a busy machine divides its CPU time among the units. With one equal share, it would starve all
          # of them.
          CPUWeight = 1000;
          Restart = "always";
          RestartSec = "1s";
          MemoryMax = "1G";
          TasksMax = 64;
          IPAddressDeny = "any";
          IPAddressAllow = [ "localhost" ];
        }
        // import ../nix/modules/hardening.nix {
          inherit (builtins) storeDir;
          program = lib.getExe cfg.package;
          stateDirectories = [ "bigquery-standin" ];
          paths = [
            # The whole folder, because the unit would keep the old version of a replaced file.
            "/etc"
          ];
        }
      );
    };
  };
}
