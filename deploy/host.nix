# The host's part of a deployment: one program, `deploy-host`, which decides what runs here. A deployer's key gives access to
# its socket and to nothing else.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
  inherit (config.wordtally) deployers deployment environment;
  program = lib.getExe deployment.package;

  # deploy/src/host_config.rs
  facts = {
    inherit environment;
    inherit (deployment) listen;
    inherit (deployment.signed) pages certificateAuthority expectedCounts;
    trust = deployment.trust // {
      keyFiles = map (file: "${file}") deployment.trust.keyFiles;
    };
    secrets = lib.mapAttrs' (
      _: secret: lib.nameValuePair secret.path "${secret.file}"
    ) config.age.secrets;
    identities = config.age.identityPaths;
  };

  # An activation leaves these units running, because it may be part of the deployment that they carry out.
  undisturbed = {
    restartIfChanged = false;
    unitConfig.X-StopOnRemoval = false;
  };
  state = {
    StateDirectory = "deploy-host";
    StateDirectoryMode = "0700";
    UMask = "0077";
  };
in
{
  options.wordtally.deployment.package = mkOption {
    type = types.package;
    description = "The host's part of a deployment.";
  };

  config = {
    environment.etc."deploy-host/host.json".source = (pkgs.formats.json { }).generate "host.json" facts;
    environment.systemPackages = [ deployment.package ];

    users.groups.deploy = { };
    users.users.deploy = {
      isSystemUser = true;
      group = "deploy";
      # sshd runs the forced command with this shell.
      shell = pkgs.runtimeShellPackage;
      openssh.authorizedKeys.keys = lib.attrValues deployers;
    };
    # A `Match` block ends at the next one. This block comes last, so none follows it.
    services.openssh.extraConfig = lib.mkOrder 2000 ''
      Match User deploy
        AuthenticationMethods publickey
        ForceCommand ${program} connect
        DisableForwarding yes
        PermitTunnel no
        PermitTTY no
        PermitUserRC no
        ClientAliveInterval 15
        ClientAliveCountMax 4
    '';

    # A deployer gets no session. An activation also activates the units of each user with a session and fails if that
    # fails; meanwhile the deployer connects and disconnects every second.
    security.pam.services.sshd.rules.session.deployer = {
      order = config.security.pam.services.sshd.rules.session.systemd.order - 1;
      # On success, skips the next rule.
      control = "[success=1 default=ignore]";
      modulePath = "${config.security.pam.package}/lib/security/pam_succeed_if.so";
      args = [
        "quiet"
        "user"
        "="
        "deploy"
      ];
    };

    # The limit for all requests together, so that they leave memory for the words. A received path is held in memory whole.
    systemd.slices.deploy-host.sliceConfig = {
      MemoryMax = "75%";
      TasksMax = 1024;
    };
    systemd.sockets.deploy-host = {
      description = "Requests from deployers";
      wantedBy = [ "sockets.target" ];
      socketConfig = {
        ListenStream = "/run/deploy-host.sock";
        SocketUser = "root";
        SocketGroup = "deploy";
        SocketMode = "0660";
        Accept = true;
        MaxConnections = 16;
        # A deployer polls once a second. Polling must never trip the socket's rate limit.
        TriggerLimitIntervalSec = 0;
        PollLimitIntervalSec = 0;
      };
    };
    # One request. The deployment that it starts is a separate unit, which outlives it.
    systemd.services."deploy-host@" = undisturbed // {
      description = "One request from a deployer";
      unitConfig = undisturbed.unitConfig // {
        CollectMode = "inactive-or-failed";
      };
      serviceConfig =
        state
        // {
          Slice = "deploy-host.slice";
          ExecStart = "${program} serve";
          StandardInput = "socket";
          StandardOutput = "socket";
          StandardError = "journal";
          # A closure may arrive over a slow connection.
          RuntimeMaxSec = "35min";
          TimeoutStopSec = "30s";
          OOMPolicy = "continue";
        }
        // import ./confined.nix;
    };
    # Cleans up after a deployment that was interrupted. The deployment's unit starts it, and so does a boot, because a reboot
    # may have interrupted one. Each activation starts it as well, because it does not stay active, and it then has nothing to
    # do.
    systemd.services.deploy-host-recover = undisturbed // {
      description = "Recovery of an interrupted deployment";
      wantedBy = [ "multi-user.target" ];
      # Otherwise multi-user.target would wait for this unit, and this unit for the target.
      after = [ "multi-user.target" ];
      # It activates a system, so it has no sandbox.
      serviceConfig = state // {
        # systemd keeps a failed unit loaded while its OnFailure= has a start job. The job of a oneshot unit would last until
        # the recovery ends, and the failed deployment would stay in the list of failed units.
        Type = "exec";
        ExecStart = "${program} recover";
        # It counts its own attempts, because an activation resets systemd's counter. systemd restarts it only if it was
        # killed, which `on-abort` does not do after a lack of memory or a timeout.
        Restart = "on-abnormal";
        RestartSec = "10s";
        # The sum of the limits in deploy/src/host/recover.rs.
        RuntimeMaxSec = "70min";
      };
    };
  };
}
