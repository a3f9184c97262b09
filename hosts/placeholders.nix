# Placeholders for values that the repository cannot have. They build, but they may not be deployed.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.wordtally;
  inherit (cfg.deployment) trust;
  inherit (config.services.wordtally) reverseProxy;

  # The SHA-256 of each placeholder file: a file with any other content is not a placeholder.
  files = {
    "hosts/prod/certificate.pem" = "b7ae91c835dab6d202466817cdcd644898ca5b7b2c0bec8893e599ebf4896a51";
    "secrets/prod/bigquery.json.age" =
      "4f1b867a14c2ba925b69820b7220193fbc814819131d49cb1098eb44de6cec4e";
    "secrets/prod/tls.key.age" = "0e42791e62ec21ff9757e808571aced8dcfc0501e3e16c8861ab635d4abccbbd";
  };
  hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG9YtWa7iJRL6M7TEPgvp9zhZWgcZu3NiR8vDXNXmyPJ";

  # The certificate that nginx serves. A certificate that the host itself obtains or keeps is not in the repository.
  certificate = lib.optional (lib.hasPrefix builtins.storeDir (toString reverseProxy.certificateFile)) reverseProxy.certificateFile;
  inUse = map (builtins.hashFile "sha256") (
    certificate ++ lib.mapAttrsToList (_: secret: secret.file) config.age.secrets
  );
in
{
  options.wordtally.placeholders = mkOption {
    type = types.listOf types.str;
    description = "Values of this host that are still placeholders. Its deployment is refused until none are left.";
  };

  config = {
    wordtally.placeholders =
      lib.optional (
        reverseProxy.enable && reverseProxy.hostName == "wordtally.example.com"
      ) "reverseProxy.hostName in hosts/environments.nix"
      ++ lib.optional (cfg.hostKey == hostKey) "the host key in secrets/keys.nix"
      ++ lib.attrNames (lib.filterAttrs (_: hash: lib.elem hash inUse) files)
      # Such a host would accept no release after this one.
      ++ lib.optional (trust.keyFiles == [ ]) "release/cosign.pub"
      ++ map (list: "wordtally.deployment.trust.${list} in hosts/environments.nix") (
        lib.filter (list: trust.${list} == [ ]) [
          "repositories"
          "builders"
          "refs"
        ]
      );

    system.preSwitchChecks.placeholders = lib.mkIf (cfg.placeholders != [ ]) ''
      echo ${lib.escapeShellArg "${config.networking.hostName} is not deployed: it still has placeholders for ${lib.concatStringsSep ", " cfg.placeholders}; docs/how-to/manage-secrets.md says how to replace each."}
      exit 1
    '';
  };
}
