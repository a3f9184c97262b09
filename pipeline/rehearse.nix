# Deploys to a virtual machine that is started for this purpose, if an environment has no host.
{
  lib,
  writeShellApplication,
  coreutils,
  gnused,
  openssh,
  deploy,
  launcher,
  environment,
}:
writeShellApplication {
  name = "rehearse-${environment}";
  runtimeInputs = [
    coreutils
    gnused
    openssh
    deploy
  ];
  text = ''
    # Seconds until the machine must respond. An emulated machine takes minutes.
    patience=900

    folder=$(mktemp -d)
    machine=
    # shellcheck disable=SC2329 # A trap calls it.
    clean() {
      trap "" INT TERM HUP
      # The launcher stops its machine.
      [ -z "$machine" ] || { kill "$machine" 2>/dev/null && wait "$machine" || true; }
      rm -rf "$folder"
    }
    trap clean EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM

    fail() {
      echo "rehearse-${environment}: $*" >&2
      tail -n 50 "$folder/console" >&2
      exit 1
    }

    ${lib.getExe launcher} >"$folder/console" 2>&1 </dev/null &
    machine=$!
    echo "${environment}: the virtual machine is starting"
    # The launcher prints how to log in, with a key that is created for this run.
    until login=$(sed -n 's/^Log in: ssh -i \([^ ]*\) -p \([0-9]*\) .*/\1 \2/p' "$folder/console") && [ -n "$login" ] &&
      ssh -i "''${login% *}" -p "''${login#* }" -o BatchMode=yes -o ConnectTimeout=10 -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR root@127.0.0.1 \
        systemctl is-active --quiet multi-user.target </dev/null 2>/dev/null; do
      kill -0 "$machine" 2>/dev/null || fail "the virtual machine stopped"
      [ "$SECONDS" -lt "$patience" ] || fail "the virtual machine did not respond within $patience s"
      sleep 1
    done
    echo "${environment}: the virtual machine is running after $SECONDS s"

    export DEPLOY_IDENTITY=''${login% *}
    deploy to ${environment} "$@"
    deploy check ${environment} "$@"
  '';
  meta.description = "Starts the ${environment} machine, deploys a release to it, checks it and stops it";
}
