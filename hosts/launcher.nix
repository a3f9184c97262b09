# Starts a mock environment's machine: takes its ports, creates the keys of this run, prints how to request its pages, and
# waits for QEMU to exit. Nothing remains after a run.
{
  lib,
  writeShellApplication,
  coreutils,
  openssh,
  openssl,
  host,
}:
let
  inherit (host.config.system) build;
  inherit (host.config.wordtally)
    environment
    forwardedPorts
    greeting
    sshPort
    ;

  # The greeting contains the default ports; the launcher prints the chosen ones.
  ports = lib.attrNames forwardedPorts;
  quoted = lib.replaceStrings [ "\\" "$" "`" ] [ "\\\\" "\\$" "\\`" ] (lib.concatLines greeting);
  greetingByPorts = lib.replaceStrings (map (port: ":${port}/") ports) (map (
    port: ":\${port[${port}]}/"
  ) ports) quoted;
in
writeShellApplication {
  name = "vm-${environment}";
  runtimeInputs = [
    coreutils
    openssh
    openssl
  ];
  text = ''
    fail() {
      echo "vm-${environment}: $*" >&2
      exit 1
    }

    run=
    machine=
    # shellcheck disable=SC2329 # A trap calls it.
    clean() {
      trap "" INT TERM HUP
      if [ -n "$machine" ]; then
        kill "$machine" 2>/dev/null || true
        for _ in {1..100}; do
          kill -0 "$machine" 2>/dev/null || { machine= && break; }
          sleep 0.1
        done
        [ -z "$machine" ] || kill -KILL "$machine" 2>/dev/null || true
      fi
      [ -z "$run" ] || rm -rf "$run"
    }
    trap clean EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM

    # Forwards a port on this machine's loopback, by default the one that the host's configuration names, to the guest's.
    declare -A port=()
    forward() {
      local variable=WORDTALLY_PORT_$1 other
      local chosen=''${!variable:-$1}
      [[ $chosen =~ ^[1-9][0-9]{0,4}$ && $chosen -le 65535 ]] ||
        fail "$variable is '$chosen': give a port from 1 to 65535, such as $variable=$(($1 + 1000))"
      local free="choose another with $variable, such as $variable=$(($1 == chosen ? chosen + 1000 : chosen + 1))"
      for other in "''${port[@]}"; do
        [ "$other" != "$chosen" ] || fail "port $chosen is given twice: $free"
      done
      if (: <>"/dev/tcp/127.0.0.1/$chosen") 2>/dev/null; then
        fail "port $chosen is taken on this machine: stop the program that listens on it, or $free"
      fi
      port[$1]=$chosen
      QEMU_NET_OPTS+="''${QEMU_NET_OPTS:+,}hostfwd=tcp:127.0.0.1:$chosen-:$2"
    }
    export QEMU_NET_OPTS=''${QEMU_NET_OPTS-}
    ${lib.concatMapAttrsStringSep "\n" (from: to: "forward ${from} ${toString to}") forwardedPorts}

    # A further key whose releases the machine accepts, besides the committed one.
    [ -z "''${WORDTALLY_RELEASE_KEY-}" ] || [ -f "$WORDTALLY_RELEASE_KEY" ] ||
      fail "WORDTALLY_RELEASE_KEY is '$WORDTALLY_RELEASE_KEY': give the path of a public key, such as cosign.pub"

    # Private to this run: the identity that decrypts the secrets, a key to log in with, and the files that QEMU shares with
    # the guest.
    run=$(mktemp -d "''${XDG_RUNTIME_DIR:-''${TMPDIR:-/tmp}}/wordtally-${environment}.XXXXXX")
    (
      umask 077
      bash ${../secrets/mock-identity} ${environment} >"$run/identity"
    )
    ssh-keygen -q -t ed25519 -N "" -C "" -f "$run/login"

    cat <<END
    ${greetingByPorts}Log in: ssh -i $run/login -p ''${port[${toString sshPort}]} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@127.0.0.1
    Stop it: press Ctrl-A, then X; or run poweroff in it; or, from elsewhere: kill $$
    END

    credential=opt/io.systemd.credentials
    QEMU_OPTS="''${QEMU_OPTS-} -fw_cfg name=$credential/age.identity,file=$run/identity"
    QEMU_OPTS="$QEMU_OPTS -fw_cfg name=$credential/ssh.authorized-keys,file=$run/login.pub"
    if [ -n "''${WORDTALLY_RELEASE_KEY-}" ]; then
      # Its original path may contain a comma, which QEMU would take as the end of the path.
      cp --no-preserve=mode "$WORDTALLY_RELEASE_KEY" "$run/release.pub"
      QEMU_OPTS="$QEMU_OPTS -fw_cfg name=$credential/deploy-host.pub,file=$run/release.pub"
    fi
    export QEMU_OPTS
    # In the background, because a shell handles no signal while it waits for a program in the foreground.
    TMPDIR=$run USE_TMPDIR=1 ${lib.getExe build.vm} "$@" <&0 &
    machine=$!
    wait "$machine" && status=0 || status=$?
    machine=
    exit "$status"
  '';
  passthru.machine = build.vm;
  meta.description = "Starts the ${environment} machine in QEMU";
}
