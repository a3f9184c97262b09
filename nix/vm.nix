# Starts a mock environment's machine: makes what only this run has, prints how to ask it, and becomes QEMU.
{
  lib,
  writeShellApplication,
  openssh,
  openssl,
  host,
}:
let
  inherit (host.config.system) build;
  environment = lib.removePrefix "wordtally-" host.config.networking.hostName;
in
writeShellApplication {
  name = "vm-${environment}";
  runtimeInputs = [
    openssh
    openssl
  ];
  text = ''
    # Private to this run: the identity that opens the secrets, and a key to log in with.
    run=$(mktemp -d "''${XDG_RUNTIME_DIR:-/tmp}/wordtally-${environment}.XXXXXX")
    trap 'rm -rf "$run"' EXIT
    (
      umask 077
      bash ${../secrets/mock-identity} ${environment} >"$run/identity"
    )
    ssh-keygen -q -t ed25519 -N "" -C "" -f "$run/login"

    cat <<'END'
    ${lib.concatStringsSep "\n" host.config.wordtally.greeting}
    END
    echo "Log in: ssh -i $run/login -p ${toString host.config.wordtally.sshPort} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1"

    credential=opt/io.systemd.credentials
    QEMU_OPTS="''${QEMU_OPTS-} -fw_cfg name=$credential/age.identity,file=$run/identity"
    QEMU_OPTS="$QEMU_OPTS -fw_cfg name=$credential/ssh.authorized-keys,file=$run/login.pub"
    export QEMU_OPTS
    ${lib.getExe build.vm} "$@"
  '';
  meta.description = "Starts the ${environment} machine in QEMU";
}
