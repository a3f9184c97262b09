# How `deploy` reaches a host, which releases the host accepts, and which counts it must serve for a release to stay.
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
    description = "SSH public keys, by name, whose owners may deploy signed releases. They log in as the user `deploy`, who gets no shell.";
  };

  options.wordtally.deployment = {
    address = mkOption {
      type = types.str;
      default = reverseProxy.hostName;
      defaultText = lib.literalExpression "config.services.wordtally.reverseProxy.hostName";
      description = "Name or address to which a deployer connects by SSH, as the user `deploy`.";
    };
    port = mkOption {
      type = types.port;
      default = 22;
      description = "Port of the host's SSH server.";
    };
    hostKey = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "ssh-ed25519 AAAAC3Nz…";
      description = "Public host key that the SSH server must present; `null` accepts any key and is for a virtual machine on the loopback.";
    };
    publicPort = mkOption {
      type = types.port;
      default = 443;
      description = "Port on which clients reach the reverse proxy.";
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
      defaultText = lib.literalMD "each word's page at the reverse proxy, or at the instance's own port";
      description = "URL of each word's page, as a client requests it.";
    };
    certificateAuthority = mkOption {
      type = types.nullOr types.path;
      default = monitoring.certificateAuthority;
      defaultText = lib.literalExpression "config.services.wordtally.monitoring.certificateAuthority";
      description = "PEM file in this repository that verifies the reverse proxy's certificate; its content is part of the signed release. `null`: the certificate authorities of the machine that checks the pages.";
    };
    expectedCounts = mkOption {
      type = types.attrsOf (types.attrsOf types.ints.positive);
      default = { };
      example = {
        the.hamlet = 995;
      };
      description = "Known counts, by instance and corpus: a release that serves a different number is refused or rolled back.";
    };
    noExpectedCounts = mkOption {
      type = types.attrsOf types.str;
      default = { };
      example = {
        new = "nobody has counted it yet";
      };
      description = "Reason why no count is known, by instance: the build fails for an instance with neither an expected count nor a reason.";
    };
    listen = mkOption {
      type = types.attrsOf types.str;
      readOnly = true;
      default = lib.mapAttrs (_: instance: address instance.listen) instances;
      defaultText = lib.literalMD "`listen` of each instance, or the loopback if that is every address";
      description = "Address at which the host itself reaches each instance.";
    };
    trust = {
      keyFiles = mkOption {
        type = types.listOf types.path;
        default = lib.optional (builtins.pathExists ../release/cosign.pub) ../release/cosign.pub;
        defaultText = lib.literalMD "`release/cosign.pub`, if it exists";
        description = "Public keys in PEM, one of which must have signed a release; with an empty list, no release is accepted.";
      };
      repositories = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "https://gitlab.com/wordtally/wordtally" ];
        description = "Repositories from which a release may be built. A trailing `*` matches anything; with an empty list, no release is accepted.";
      };
      builders = mkOption {
        type = types.listOf types.str;
        default = [ ];
        example = [ "https://gitlab.com/-/runners/*" ];
        description = "Builders that may have built a release, as its provenance names them. The patterns are those of `repositories`.";
      };
      refs = mkOption {
        type = types.listOf types.str;
        default = if tier == "production" then [ "refs/tags/v*" ] else [ "refs/heads/main" ];
        defaultText = lib.literalMD "`refs/tags/v*` if `wordtally.pipeline.tier` is `production`, otherwise `refs/heads/main`";
        description = "Refs from which a release may be built. The patterns are those of `repositories`.";
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
        # The file's content, because the machine that checks the pages may not have the file.
        certificateAuthority =
          if cfg.certificateAuthority == null then null else builtins.readFile cfg.certificateAuthority;
      };
      defaultText = lib.literalMD "made from these options";
      description = "This host's entry in the `release.json` of a release.";
    };
  };

  config.assertions = [
    {
      assertion = cfg.hostKey != null || lib.hasPrefix "127." cfg.address;
      message = "wordtally.deployment.hostKey is not set: ${cfg.address} is not on the loopback, so give the host key that its SSH server must present.";
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
        message = "wordtally.deployment.expectedCounts.${name} is not set, so a wrong count would be deployed: give a known count, such as hamlet = 995, or say in noExpectedCounts.${name} why there is none.";
      })
      (
        lib.attrNames (removeAttrs instances (lib.attrNames (cfg.expectedCounts // cfg.noExpectedCounts)))
      );
}
