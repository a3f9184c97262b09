# Both sides of a deployment, each with the programs that it calls.
{
  lib,
  runCommand,
  makeBinaryWrapper,
  age,
  coreutils,
  cosign,
  gitMinimal,
  nix,
  openssh,
  skopeo,
  systemd,
  wordtally-deploy,
}:
let
  wrapped =
    name: program: tools: options: description:
    runCommand name
      {
        nativeBuildInputs = [ makeBinaryWrapper ];
        # For an environment that provides these programs in another way.
        passthru.unwrapped = program;
        meta = {
          inherit description;
          mainProgram = name;
          license = lib.licenses.mit;
          platforms = lib.platforms.linux;
        };
      }
      ''
        makeWrapper ${program}/bin/${name} $out/bin/${name} --prefix PATH : ${lib.makeBinPath tools} ${options}
      '';
  # Absent until a key pair exists.
  committed = ../release/cosign.pub;
  key = lib.optionalString (builtins.pathExists committed) "--set-default COSIGN_PUBLIC_KEY ${committed}";
in
{
  deploy = wrapped "deploy" wordtally-deploy [
    cosign
    gitMinimal
    nix
    openssh
    skopeo
  ] key "Publishes, signs and verifies releases, and deploys them to hosts";

  deploy-host = wrapped "deploy-host" wordtally-deploy.host [
    age
    coreutils
    nix
    systemd
  ] "" "Decides on a host which releases it accepts, and deploys them";
}
