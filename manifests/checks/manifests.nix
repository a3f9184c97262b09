# The programs that write the manifests for Kubernetes and Cloud Run refuse input that would fail there. manifests/tests reads
# what they write, for production's words and for those below.
{
  pkgs,
  self,
  lib,
  hosts,
}:
let
  nasty = {
    quotes = ''it's "quoted"'';
    variable = "$(PROJECT) $(WORD)";
    escaped = "$$(WORD) $$ $";
    open = "a$b $(";
    backslash = ''a\nb\u0041\'';
    braces = "{{ .Values.word }} \${WORD} %n";
    separator = builtins.fromJSON ''"a \u2028 b \u2029 c\u00a0d"'';
    owl = "naïve 🦉";
    yes = "yes";
    number = "0123";
    nothing = "null";
    comment = "a: b # c";
    dash = "- a";
    tab = " a ";
  };
  host = hosts.prod.extendModules {
    modules = [
      {
        wordtally.words = lib.mkForce (
          lib.mapAttrs (_: word: {
            inherit word;
            noExpectedCounts = "no text has it";
          }) nasty
        );
      }
    ];
  };
  # Every value that can be changed.
  platforms = import ../platforms.nix;
  other = lib.recursiveUpdate platforms {
    project = "my-paying-project";
    kubernetes = {
      imagePullSecrets = [ "registry" ];
      dns = [ "10.8.0.10/32" ];
      preStopSeconds = 60;
    };
  };
  changed =
    instances:
    hosts.prod.extendModules {
      modules = [ { services.wordtally = { inherit instances; }; } ];
    };
  otherHost = changed {
    the.workers = 2;
    love = {
      project = "my-other-project";
      workers = 4;
      memoryMax = "16M";
    };
    romeo = {
      workers = 6;
      memoryMax = "1G";
    };
    tis.workers = 8;
  };
  refusedHost = changed { the.workers = 9; };
  cpus = import ../cpus.nix { inherit lib; };
  project = values: builtins.tryEval (import ../project.nix { inherit lib; } (platforms // values));
  values =
    lib.attrNames (
      removeAttrs platforms [
        "kubernetes"
        "cloudRun"
      ]
    )
    ++ map (name: "kubernetes.${name}") (lib.attrNames platforms.kubernetes)
    ++ map (name: "cloudRun.${name}") (lib.attrNames platforms.cloudRun);

  programs = lib.getAttrs [
    "kubernetes"
    "cloud-run"
  ] self.packages.${pkgs.stdenv.hostPlatform.system};
  written = lib.mapAttrsToList (platform: program: ''
    image=${images.${platform}}@sha256:${lib.fakeSha256}
    ${lib.getExe program} $image $out/${platform}
    ${lib.getExe (program.override { inherit host; })} $image $out/nasty/${platform}
    ${
      lib.getExe (
        program.override {
          host = otherHost;
          platforms = other;
        }
      )
    } $image $out/other/${platform}
  '') programs;

  images = {
    kubernetes = "registry.example.com:5000/words/wordtally";
    cloud-run = "europe-west1-docker.pkg.dev/my-project-123/words/wordtally";
  };

  words = list: pkgs.writeText "words.json" (builtins.toJSON list);

  name =
    longest:
    (import ../name.nix { inherit lib; } {
      platform = "Somewhere";
      inherit longest;
    });
  long = lib.concatStrings (lib.genList (_: "a") 30);
  refused = [
    "Tis"
    "a_b"
    "a-"
    "a.b"
    (long + "a")
  ];
  sentence =
    key:
    "services.wordtally.instances: '${key}' is not a valid name on Somewhere: use up to 30 lower-case letters, digits and '-', with no '-' at either end, and set `word` to the word to count.";
in
assert lib.all (key: (name 40).problem key == sentence key) refused;
assert lib.all (key: !(builtins.tryEval ((name 40).of key)).success) refused;
assert lib.all (key: (name 40).of key == "wordtally-${key}") [
  long
  "the"
  "1-a"
];
assert
  cpus.problem "the" 9
  == "services.wordtally.instances.the: workers is 9, but Cloud Run offers instances with 1, 2, 4, 6 or 8 CPUs: give one of these.";
assert !(builtins.tryEval (programs.cloud-run.override { host = refusedHost; }).drvPath).success;
assert (builtins.tryEval (programs.kubernetes.override { host = refusedHost; }).drvPath).success;
assert (project { }).value == "my-project-123";
assert (project { project = "another"; }).value == "another";
assert !(project { googleServiceAccount = "123-compute@developer.gserviceaccount.com"; }).success;
pkgs.runCommand "manifests" { } ''
  mkdir -p $out/nasty $out/other there
  ${lib.concatLines written}
  for folder in $out $out/other; do
    cp ${
      words (lib.mapAttrs (_: entry: entry.word) (import ../../hosts/words.nix).prod)
    } $folder/words.json
  done
  cp ${words nasty} $out/nasty/words.json

  for value in ${toString values}; do
    grep -qE "^\|.*\`$value\`.*\|" ${../../docs/reference/manifests.md} ||
      { echo "docs/reference/manifests.md does not say what $value is" >&2; exit 1; }
  done

  refused() {
    sentence=$1
    shift
    if "$@" 2>refusal; then echo "not refused: $*" >&2; exit 1; fi
    cat refusal
    grep -qF -- "$sentence" refusal
  }
  for host in registry.example.com ghcr.io docker.io.example.com pkg.dev europe-west1-docker.pkg.dev:443; do
    refused "Cloud Run accepts images only from REGION-docker.pkg.dev, gcr.io and docker.io" \
      ${lib.getExe programs.cloud-run} "$host/words/wordtally@sha256:${lib.fakeSha256}" new
  done
  for host in gcr.io eu.gcr.io docker.io us-docker.pkg.dev; do
    ${lib.getExe programs.cloud-run} "$host/words/wordtally@sha256:${lib.fakeSha256}" "taken-$host"
  done
  image=${images.cloud-run}@sha256:${lib.fakeSha256}
  for program in ${lib.concatMapStringsSep " " lib.getExe (lib.attrValues programs)}; do
    refused "give the image and a new folder" $program
    refused "does not name an image by its digest" $program registry.example.com/wordtally:0.1.0 new
    refused "does not name an image by its digest" $program "''${image%?}" new
    refused "does not name an image by its digest" $program "''${image%@*}:0.1.0@''${image#*@}x" new
    refused "'there' already exists" $program $image there
    [ ! -e new ]
  done
''
