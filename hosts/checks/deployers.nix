# A deployer's key gives access to the host's part of a deployment and nothing else: no root, no shell, no forwarding.
{
  pkgs,
  self,
  lib,
  ...
}:
let
  inherit (self.packages.${pkgs.stdenv.hostPlatform.system}.vm-test.crowd) config;
  key = config.wordtally.deployers.someone;
  opens =
    user: lib.elem key user.openssh.authorizedKeys.keys || user.openssh.authorizedKeys.keyFiles != [ ];
  opened = lib.attrNames (lib.filterAttrs (_: opens) config.users.users);
  expected = {
    AuthenticationMethods = "publickey";
    ForceCommand = "${lib.getExe config.wordtally.deployment.package} connect";
    DisableForwarding = "yes";
    PermitTunnel = "no";
    PermitTTY = "no";
    PermitUserRC = "no";
    PermitUserEnvironment = "no";
  };
in
assert lib.assertMsg (opened == [ "deploy" ]) "a deployer's key opens ${toString opened}";
assert lib.elem config.users.users.deploy.hashedPassword [
  null
  "!"
];
assert
  config.wordtally.deployment.package.meta.mainProgram == "deploy-host"
  && config.systemd.sockets.deploy-host.socketConfig.SocketMode == "0660";
# A deployer gets no session: the rule after this one would open it.
assert
  builtins.match ".*pam_succeed_if.so quiet user = deploy [^\n]*\n[^\n]*pam_systemd.so.*" config.security.pam.services.sshd.text
  != null;
pkgs.runCommand "deployers" { nativeBuildInputs = [ pkgs.openssh ]; } ''
  asked() {
    sshd -G -T -f ${config.environment.etc."ssh/sshd_config".source} -C user=$1,host=h,addr=127.0.0.1
  }
  asked deploy >deploy
  asked root >root
  # The case of an option's name depends on sshd's version.
  ${lib.concatMapAttrsStringSep "\n" (
    name: value: "grep -iFx ${lib.escapeShellArg "${name} ${value}"} deploy"
  ) expected}
  # An operator has a shell.
  grep -iFx 'ForceCommand none' root
  grep -iFx 'PermitTTY yes' root
  cp deploy $out
''
