# The host's part of a deployment: one program, `deploy-host`, which decides what runs here. Whoever holds a deployer's key
# reaches its socket and nothing else.
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

  # Nothing of these ends a deployment under way: one that runs is left as it is by the activation, which it may be part of.
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
      # sshd runs the forced command by it.
      shell = pkgs.runtimeShellPackage;
      openssh.authorizedKeys.keys = lib.attrValues deployers;
    };
    # Its end is the next `Match`, and there is none: it comes last.
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

    # Without a session: an activation does the part of each user who has one, and fails with that part. A deployer comes
    # and goes every second meanwhile.
    security.pam.services.sshd.rules.session.deployer = {
      order = config.security.pam.services.sshd.rules.session.systemd.order - 1;
      # Passes over the next rule.
      control = "[success=1 default=ignore]";
      modulePath = "${config.security.pam.package}/lib/security/pam_succeed_if.so";
      args = [
        "quiet"
        "user"
        "="
        "deploy"
      ];
    };

    # All requests together: none may take the words' memory. The store holds a path that comes in as a whole.
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
        # A deployer asks once a second; one that asks without end must not stop the socket.
        TriggerLimitIntervalSec = 0;
        PollLimitIntervalSec = 0;
      };
    };
    # One request. What it begins is a unit of its own, which outlives it.
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
          # A closure may come over a slow line.
          RuntimeMaxSec = "35min";
          TimeoutStopSec = "30s";
          OOMPolicy = "continue";
        }
        // import ./confined.nix;
    };
    # Ends what a deployment has left that could not end by itself: the deployment's unit names it, and a start of the machine
    # may have cut one off. Each activation starts it too, as it does not stay active; there it finds nothing to do.
    systemd.services.deploy-host-recover = undisturbed // {
      description = "Recovery of an interrupted deployment";
      wantedBy = [ "multi-user.target" ];
      # Else that would wait for this, and this for that.
      after = [ "multi-user.target" ];
      # It activates a system: nothing is denied to it.
      serviceConfig = state // {
        Type = "oneshot";
        ExecStart = "${program} recover";
        # It counts its tries itself: an activation resets what systemd counts. Here only for one that was killed.
        Restart = "on-abort";
        RestartSec = "10s";
        # deploy/src/host/recover.rs: all that its own limits allow.
        TimeoutStartSec = "70min";
      };
    };
  };
}
