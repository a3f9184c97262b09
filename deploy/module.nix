# How `deploy` reaches a machine, which releases the machine takes, and what it must answer before one stays on it.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.wordtally.deployment;
  inherit (config.wordtally.pipeline) tier;
  inherit (config.services.wordtally) reverseProxy instances monitoring;
  address = import ../nix/modules/address.nix { inherit lib; };
  port = listen: lib.last (lib.splitString ":" listen);
in
{
  imports = [ ./host.nix ];

  options.wordtally.deployers = mkOption {
    type = types.attrsOf types.str;
    default = { };
    description = "SSH public keys that may bring signed releases, by name. They log in as `deploy`, which is no shell.";
  };

  options.wordtally.deployment = {
    address = mkOption {
      type = types.str;
      default = reverseProxy.hostName;
      defaultText = lib.literalExpression "config.services.wordtally.reverseProxy.hostName";
      description = "Name or address that SSH connects to, as `deploy`.";
    };
    port = mkOption {
      type = types.port;
      default = 22;
      description = "Port of its SSH.";
    };
    hostKey = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "ssh-ed25519 AAAAC3Nz…";
      description = "Public host key that its SSH must show; `null` takes any, which is for a virtual machine on the loopback.";
    };
    publicPort = mkOption {
      type = types.port;
      default = 443;
      description = "Port at which clients reach the reverse proxy.";
    };
    pages = mkOption {
      type = types.attrsOf types.str;
      default = lib.mapAttrs (
        name: instance:
        if reverseProxy.enable then
          "https://${reverseProxy.hostName}${
            lib.optionalString (cfg.publicPort != 443) ":${toString cfg.publicPort}"
          }/${name}/"
        else
          "http://${cfg.address}:${port instance.listen}/"
      ) instances;
      defaultText = lib.literalMD "the page of each word at the reverse proxy, or at its own port";
      description = "Address of each word's page, as a client asks for it.";
    };
    certificateAuthority = mkOption {
      type = types.nullOr types.path;
      default = monitoring.certificateAuthority;
      defaultText = lib.literalExpression "config.services.wordtally.monitoring.certificateAuthority";
      description = "PEM file of this repository that the reverse proxy's certificate is checked against, whose content is signed; `null`: the authorities of the machine that asks.";
    };
    expectedCounts = mkOption {
      type = types.attrsOf (types.attrsOf types.ints.positive);
      default = { };
      example = {
        the.hamlet = 995;
      };
      description = "Known counts, by instance and corpus: a release that answers another number is rolled back.";
    };
    noExpectedCounts = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        new = "nobody has counted it yet";
      };
      description = "Why no count is known, by instance: without a reason, an instance without an expected count is refused.";
    };
    listen = mkOption {
      type = types.attrsOf types.str;
      readOnly = true;
      default = lib.mapAttrs (_: instance: address instance.listen) instances;
      defaultText = lib.literalMD "`listen` of each instance, or the loopback where that is everywhere";
      description = "Where each instance is asked on the machine itself.";
    };
    trust = {
      keyFiles = mkOption {
        type = types.listOf types.path;
        default = lib.optional (builtins.pathExists ../release/cosign.pub) ../release/cosign.pub;
        defaultText = lib.literalMD "`release/cosign.pub`, where there is one";
        description = "Public keys, PEM, of which one must have signed a release; an empty list takes none.";
      };
      repositories = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "https://gitlab.com/wordtally/wordtally" ];
        description = "Repositories that a release may be built from. A last `*` stands for anything; an empty list takes none.";
      };
      builders = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "https://gitlab.com/-/runners/*" ];
        description = "Builders that may have built it, as its provenance names them: likewise.";
      };
      refs = mkOption {
        type = types.listOf types.str;
        default = if tier == "production" then [ "refs/tags/v*" ] else [ "refs/heads/main" ];
        defaultText = lib.literalMD "`refs/tags/v*` for the tier production, else `refs/heads/main`";
        description = "Refs that it may be built from: likewise.";
      };
    };
    signed = mkOption {
      type = types.raw;
      readOnly = true;
      default = {
        inherit (cfg)
          address
          port
          hostKey
          pages
          expectedCounts
          ;
        # The content: whoever asks may have none of this machine's files.
        certificateAuthority =
          if cfg.certificateAuthority == null then null else builtins.readFile cfg.certificateAuthority;
      };
      defaultText = lib.literalMD "of these options";
      description = "What a release says of this machine, in `release.json`.";
    };
  };

  config.assertions = [
    {
      assertion = cfg.hostKey != null || lib.hasPrefix "127." cfg.address;
      message = "wordtally.deployment.hostKey is not set: ${cfg.address} is not on the loopback, so give the key that its SSH must show.";
    }
  ]
  ++ map (name: {
    assertion = false;
    message = "wordtally.deployment.expectedCounts.${name}: there is no instance of that name.";
  }) (lib.attrNames (removeAttrs cfg.expectedCounts (lib.attrNames instances)))
  ++
    map
      (name: {
        assertion = false;
        message = "wordtally.deployment.expectedCounts.${name} is not set, so a wrong count would be deployed: give a count that is known, such as hamlet = 995, or say in noExpectedCounts.${name} why there is none.";
      })
      (
        lib.attrNames (removeAttrs instances (lib.attrNames (cfg.expectedCounts // cfg.noExpectedCounts)))
      );
}
