# Both sides of a deployment, each with the programs that it runs.
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
    name: program: tools: description:
    runCommand name
      {
        nativeBuildInputs = [ makeBinaryWrapper ];
        meta = {
          inherit description;
          mainProgram = name;
          license = lib.licenses.mit;
          platforms = lib.platforms.linux;
        };
      }
      ''
        makeWrapper ${program}/bin/${name} $out/bin/${name} --prefix PATH : ${lib.makeBinPath tools}
      '';
in
{
  deploy = wrapped "deploy" wordtally-deploy [
    cosign
    gitMinimal
    nix
    openssh
    skopeo
  ] "Publishes, signs and verifies releases, and brings them to hosts";

  deploy-host = wrapped "deploy-host" wordtally-deploy.host [
    age
    coreutils
    nix
    systemd
  ] "Decides on a host which release it takes, and deploys it";
}
