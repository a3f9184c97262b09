# Boots a third-party host with this project's modules and tests it from outside: `nix run .#third-party-test`.
{
  self,
  lib,
  pkgs,
  callPackage,
  writeShellScript,
  openssh,
}:
let
  inherit (self.inputs) nixpkgs;

  host = nixpkgs.lib.nixosSystem {
    specialArgs.wordtally = self;
    modules = [
      nixpkgs.nixosModules.readOnlyPkgs
      { nixpkgs.pkgs = pkgs; }
      self.nixosModules.wordtally
      self.nixosModules.bigquery-standin
      ../third-party
    ];
  };

  # The machine, with a key to log in that is created for this run.
  launcher = writeShellScript "third-party-machine" ''
    run=$(mktemp -d)
    trap 'rm -rf "$run"' EXIT
    ssh-keygen -q -t ed25519 -N "" -C "" -f "$run/login"
    echo "Log in: ssh -i $run/login -p 2223 root@127.0.0.1"
    QEMU_OPTS="''${QEMU_OPTS-} -fw_cfg name=opt/io.systemd.credentials/ssh.authorized-keys,file=$run/login.pub"
    # The files that QEMU shares with the guest are removed with it.
    export QEMU_OPTS TMPDIR="$run"
    ${lib.getExe host.config.system.build.vm}
  '';
in
callPackage ./behaviours.nix { } {
  name = "third-party-test";
  tests = [ "${./third-party}/test_third_party.py" ];
  runtimeInputs = [ openssh ];
  runtimeEnv = {
    THIRD_PARTY_MACHINE = launcher;
    PYTHONPATH = ./vm;
  };
  passthru = { inherit host; };
  meta.description = "Boots a third-party host with this project's modules and tests it from outside";
}
