# Brings a release to a host: `nix run .#deploy -- HOST`.
{
  lib,
  writeShellApplication,
  coreutils,
  curl,
  findutils,
  gnused,
  jq,
  nix,
  openssh,
  python3,
  systemd,
  verify-release,
}:
let
  # Goes along with every system, so that a host needs nothing of ours before its first deployment.
  on-host = writeShellApplication {
    name = "on-host";
    runtimeInputs = [
      coreutils
      curl
      findutils
      gnused
      jq
      nix
      systemd
    ];
    text = builtins.readFile ./on-host.sh;
    meta.description = "The part of a deployment that runs on the host";
  };
in
writeShellApplication {
  name = "deploy";
  runtimeInputs = [
    nix
    openssh
    python3
    verify-release
  ];
  runtimeEnv.ON_HOST = on-host;
  passthru = { inherit on-host; };
  text = ''
    exec python3 ${
      lib.fileset.toSource {
        root = ./.;
        fileset = lib.fileset.unions [
          ./deploy.py
          ./host.py
          ./page.py
        ];
      }
    }/deploy.py "$@"
  '';
  meta.description = "Brings a signed release to a host, and rolls back if it is at fault";
}
