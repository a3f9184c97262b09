# Runs Renovate with this repository's configuration: it opens merge requests that update the pinned versions.
{
  writeShellApplication,
  cargo,
  gitMinimal,
  nix,
  nodejs,
  renovate,
}:
writeShellApplication {
  name = "renovate";
  # Each lock file is written by the program that reads it.
  runtimeInputs = [
    cargo
    gitMinimal
    nix
    nodejs
    renovate
  ];
  text = ''
    for variable in RENOVATE_TOKEN CI_API_V4_URL CI_PROJECT_PATH; do
      [ -n "''${!variable-}" ] || { echo "renovate: $variable is not set: run this in a GitLab pipeline" >&2; exit 2; }
    done
    export RENOVATE_PLATFORM=gitlab RENOVATE_ENDPOINT=$CI_API_V4_URL RENOVATE_BINARY_SOURCE=global
    exec renovate "$CI_PROJECT_PATH"
  '';
  meta.description = "Runs Renovate for this project on GitLab";
}
