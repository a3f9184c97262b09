# Tests the launcher of the virtual machines with a program in QEMU's place that prints its arguments.
{
  pkgs,
  lib,
  hosts,
  ...
}:
let
  machine = pkgs.writeShellScriptBin "machine" ''
    trap 'echo "the machine ends"; exit 0' TERM
    echo "credentials: $QEMU_OPTS"
    cat "$TMPDIR/release.pub" 2>/dev/null
    echo "forwarded: $QEMU_NET_OPTS"
    touch "$TMPDIR/left-by-qemu"
    while [ ! -e "$QUIT" ]; do sleep 0.1; done
  '';
  launcher = pkgs.callPackage ../launcher.nix {
    host.config = {
      system.build.vm = machine // {
        meta.mainProgram = "machine";
      };
      # A greeting with every character that a shell would interpret.
      wordtally = hosts.dev.config.wordtally // {
        greeting = hosts.dev.config.wordtally.greeting ++ [ ''$HOME `id` \ "$(id)" '' ];
      };
    };
  };
in
pkgs.callPackage ../../nix/pytest.nix { } {
  name = "launcher";
  tests = [ "hosts/tests/test_launcher.py" ];
  env.LAUNCHER = lib.getExe launcher;
}
