# npm's packages of a folder with a lock file, as npm itself lays them out. The lock file names no registry, so that nixpkgs'
# importNpmLock and fetchNpmDeps find nothing in it to fetch; npm checks each package's hash in it.
{
  lib,
  runCommand,
  cacert,
  nodejs,
}:
{ folder, hash }:
let
  lock = folder + "/package-lock.json";
  # Part of the name: a changed lock file is never answered by the packages of the old one.
  locked = lib.substring 0 12 (builtins.hashFile "sha256" lock);
in
runCommand "node-modules-${locked}"
  {
    nativeBuildInputs = [
      # A build has no authorities of its own to trust the registry by.
      cacert
      nodejs
    ];
    impureEnvVars = lib.fetchers.proxyImpureEnvVars;
    outputHashMode = "recursive";
    outputHash = hash;
  }
  ''
    export HOME=$PWD
    cp ${folder + "/package.json"} package.json
    cp ${lock} package-lock.json
    npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
    # npm's own books, which differ from one npm to the next.
    rm node_modules/.package-lock.json
    mv node_modules $out
  ''
