# The container image: the hosts' own static binary and the CA certificates it needs, and no other file.
{
  lib,
  bash,
  busybox,
  cacert,
  callPackage,
  coreutils,
  dash,
  dockerTools,
  runCommand,
  skopeo,
  symlinkJoin,
  zsh,
  self,
  wordtally,
}:
let
  date = self.lastModifiedDate;
  part = start: length: lib.substring start length date;
  created = "${part 0 4}-${part 4 2}-${part 6 2}T${part 8 2}:${part 10 2}:${part 12 2}Z";
  revision = self.rev or self.dirtyRev or "unknown";

  # The certificate authorities for servers in plain PEM, the only format that the program reads. The package's own bundle
  # has each of them twice. They are a separate layer, which successive versions share.
  certificates = runCommand "ca-bundle" { } ''
    mkdir -p $out/etc/ssl/certs
    cat ${cacert.unbundled}/etc/ssl/certs/*.crt \
      | sed -n '/^-----BEGIN CERTIFICATE-----$/,/^-----END CERTIFICATE-----$/p' >$out/etc/ssl/certs/ca-bundle.crt
    grep -q CERTIFICATE $out/etc/ssl/certs/ca-bundle.crt
  '';

  # Without the man pages, which nobody reads in a container.
  program =
    runCommand "wordtally-program" { }
      "install -D ${wordtally}/bin/wordtally $out/bin/wordtally";

  root = symlinkJoin {
    name = "wordtally-root";
    paths = [
      program
      certificates
    ];
    # The image has nothing that can run a script, so an intruder cannot run one either.
    disallowedRequisites = [
      bash
      busybox
      coreutils
      dash
      zsh
    ];
  };

  image = dockerTools.streamLayeredImage {
    name = "wordtally";
    tag = wordtally.version;
    inherit created;
    contents = [ root ];
    config = {
      User = "65532:65532";
      WorkingDir = "/";
      Entrypoint = [ "/bin/wordtally" ];
      Cmd = [ "serve" ];
      Env = [
        "LISTEN=0.0.0.0:8080"
        "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"
      ];
      ExposedPorts."8080/tcp" = { };
      StopSignal = "SIGTERM";
      # Whether the process is alive. /readyz says whether it has an answer, and a restart would not give it one. Only Docker's
      # own format has this field; the OCI format does not.
      Healthcheck = {
        Test = [
          "CMD"
          "/bin/wordtally"
          "probe"
          "http://127.0.0.1:8080/healthz"
        ];
        # Nanoseconds.
        Interval = 30 * 1000000000;
        Timeout = 5 * 1000000000;
      };
      Labels = lib.mapAttrs' (name: lib.nameValuePair "org.opencontainers.image.${name}") {
        title = "wordtally";
        inherit (wordtally.meta) description;
        inherit (wordtally) version;
        inherit created revision;
        licenses = wordtally.meta.license.spdxId;
        source = "https://gitlab.com/wordtally/wordtally";
      };
    };
    passthru = {
      inherit created revision root;
      # The stream writes an archive, which has no manifest and so no digest by which an image is named.
      oci = runCommand "wordtally-oci" { nativeBuildInputs = [ skopeo ]; } ''
        ${image} | skopeo --insecure-policy --tmpdir . copy --quiet docker-archive:/dev/stdin oci:$out
      '';
      tests.layout = callPackage ./checks/image/layout.nix {
        inherit
          image
          wordtally
          certificates
          created
          revision
          ;
      };
    };
    meta = {
      description = "Writes wordtally's container image to standard output, as a Docker archive";
      inherit (wordtally.meta) license platforms;
    };
  };
in
image
